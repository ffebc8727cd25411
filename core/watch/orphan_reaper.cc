#include "core/watch/orphan_reaper.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "core/base/warning.h"
#include "core/watch/exit_thread.h"
#include "core/watch/watch_table.h"

namespace proctor {
namespace {

class OrphanReaper {
 public:
  // Never destroyed: threads may outlive main.
  static OrphanReaper& Get() {
    static auto* reaper = new OrphanReaper;
    return *reaper;
  }

  void Adopt(pid_t pid) {
    auto watch = std::make_shared<Watch>(pid, nullptr);
    {
      absl::MutexLock lock(&mutex_);
      if (!orphans_.try_emplace(pid, watch).second) return;
    }
    const absl::Status awaited = ExitThread::Get().Await(
        watch, ExitThread::Without::kThread,
        [this](const std::shared_ptr<Watch>& ended, const ChildLook& look) { Reap(ended, look); });
    if (awaited.ok()) return;
    Take(pid);
    Warn(absl::StrCat("child ", pid, " will stay a zombie: ", std::string(awaited.message())));
  }

  void Release(pid_t pid) {
    if (auto watch = Take(pid)) ExitThread::Get().Forget(watch);
  }

 private:
  std::shared_ptr<Watch> Take(pid_t pid) {
    absl::MutexLock lock(&mutex_);
    auto orphan = orphans_.find(pid);
    if (orphan == orphans_.end()) return nullptr;
    auto watch = std::move(orphan->second);
    orphans_.erase(orphan);
    return watch;
  }

  // The lock is held over the reaping, so that who has released a child knows that it is
  // not being reaped.
  void Reap(const std::shared_ptr<Watch>& watch, const ChildLook& look) {
    absl::MutexLock lock(&mutex_);
    auto orphan = orphans_.find(watch->pid);
    if (orphan == orphans_.end() || orphan->second != watch) return;
    if (look.state == ChildLook::State::kEnded) ReapChild(watch->pid);
    orphans_.erase(orphan);
  }

  absl::Mutex mutex_;
  absl::flat_hash_map<pid_t, std::shared_ptr<Watch>> orphans_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

void ReapWhenEnded(pid_t pid) { OrphanReaper::Get().Adopt(pid); }

void KeepChild(pid_t pid) { OrphanReaper::Get().Release(pid); }

}  // namespace proctor
