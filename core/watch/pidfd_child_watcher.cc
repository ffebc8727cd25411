#include "core/watch/pidfd_child_watcher.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/return_if_error.h"
#include "core/wait/child_wait.h"
#include "core/wait/exit_thread.h"
#include "core/wait/orphan_reaper.h"
#include "proctor/error.h"

namespace proctor {
namespace {

// The loop's reader of a pidfd. A loop that is closed drops it, and it sees to the child.
class PidfdReader {
 public:
  PidfdReader(std::weak_ptr<WatchTable> table, std::shared_ptr<Watch> watch)
      : table_(std::move(table)), watch_(std::move(watch)) {}
  PidfdReader(PidfdReader&&) = default;
  PidfdReader& operator=(PidfdReader&&) = delete;

  ~PidfdReader() {
    if (watch_ == nullptr || !watch_->loop->is_closed()) return;
    if (auto table = table_.lock()) table->OnLoopClosed(watch_);
  }

  void operator()() {
    const std::shared_ptr<Watch> watch = watch_;  // the loop may let go of this reader
    const ChildLook look = PeekChild(watch->child);
    if (look.state == ChildLook::State::kRunning) return;  // traced: another edge will come
    auto table = table_.lock();
    if (table == nullptr || !table->Contains(watch)) return;
    watch->loop->RemoveReader(watch->child.pidfd.get());
    table->Tell(watch, look);
  }

 private:
  std::weak_ptr<WatchTable> table_;
  std::shared_ptr<Watch> watch_;  // null once moved
};

}  // namespace

absl::Status PidfdChildWatcher::Probe() {
  ASSIGN_OR_RETURN(auto pidfd, OpenPidfd(::getpid()));
  // Not our own child: ECHILD where waitid knows pidfds, EINVAL before Linux 5.4.
  siginfo_t info{};
  if (::syscall(SYS_waitid, 3, pidfd.get(), &info, WEXITED | WNOHANG, nullptr) < 0 &&
      errno != ECHILD) {
    return ErrnoError(absl::StatusCode::kUnimplemented, Reason::kPidfdRefused, "waitid", "P_PIDFD",
                      errno);
  }
  return absl::OkStatus();
}

absl::Status PidfdChildWatcher::AddChildHandler(pid_t pid, ChildHandler handler) {
  auto loop = GetRunningLoop();
  if (!loop.ok()) return NoRunningLoopError(name(), pid);
  if (PeekChild({pid}).state == ChildLook::State::kGone) return NoSuchChildError(name(), pid);
  return AddChildHandler(OpenChild(pid), std::move(handler));
}

absl::Status PidfdChildWatcher::AddChildHandler(ChildRef child, ChildHandler handler) {
  auto loop = GetRunningLoop();
  if (!loop.ok()) return NoRunningLoopError(name(), child.pid);
  auto watch = table_->Add(std::move(child), *std::move(loop), std::move(handler), &StopWatching);
  if (!watch.ok() || *watch == nullptr) return watch.status();
  absl::Status awaited = Await(*watch);
  if (!awaited.ok()) table_->Remove(*watch);
  return awaited;
}

absl::Status PidfdChildWatcher::Await(const std::shared_ptr<Watch>& watch) {
  if (watch->child.pidfd) {
    // Edge-triggered: a traced zombie is readable for as long as its tracer likes,
    // and not reapable; a second edge comes when the tracer lets go.
    const absl::Status added = watch->loop->AddReader(watch->child.pidfd.get(),
                                                      PidfdReader(table_, watch), Trigger::kEdge);
    if (added.ok()) return added;
  }
  // Out of descriptors: no exit is lost.
  return ExitThread::Get().AwaitAndPost(table_, watch, ExitThread::Without::kThread);
}

PidfdChildWatcher::~PidfdChildWatcher() { Close(); }

bool PidfdChildWatcher::RemoveChildHandler(pid_t pid) {
  std::shared_ptr<Watch> watch = table_->Remove(pid);
  if (watch == nullptr) return false;
  StopWatching(watch);
  ReapWhenEnded(watch->child);
  return true;
}

void PidfdChildWatcher::Close() {
  for (const auto& watch : table_->Close()) {
    StopWatching(watch);
    ReapWhenEnded(watch->child);
  }
}

// On the loop's thread, which alone may end the reading there.
void PidfdChildWatcher::StopWatching(const std::shared_ptr<Watch>& watch) {
  ExitThread::Get().Forget(watch);
  if (!watch->child.pidfd) return;
  auto stop = [watch] { watch->loop->RemoveReader(watch->child.pidfd.get()); };
  auto running = GetRunningLoop();
  if (running.ok() && *running == watch->loop) {
    stop();
  } else {
    (void)watch->loop->CallSoonThreadsafe(std::move(stop));  // closed: nothing is watched
  }
}

std::string PidfdChildWatcher::DebugString() const {
  return absl::StrCat("pidfd: ", table_->DebugString());
}

}  // namespace proctor
