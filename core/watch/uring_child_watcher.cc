#include "core/watch/uring_child_watcher.h"

#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "core/wait/child_wait.h"
#include "core/wait/exit_thread.h"
#include "core/wait/orphan_reaper.h"
#include "core/watch/child_wait_ring.h"

namespace proctor {
namespace {

absl::Status AwaitWithoutRing(const std::shared_ptr<WatchTable>& table,
                              const std::shared_ptr<Watch>& watch) {
  return ExitThread::Get().AwaitAndPost(table, watch, ExitThread::Without::kThread);
}

void TellEnded(ChildWaitRing& ring, const std::weak_ptr<WatchTable>& table) {
  const std::vector<ChildWaitRing::Ended> all = ring.TakeEnded();
  auto standing = table.lock();
  if (standing == nullptr) return;
  for (const auto& [watch, look] : all) {
    if (look.state != ChildLook::State::kRunning) {
      standing->Tell(watch, look);
    } else if (absl::Status awaited = AwaitWithoutRing(standing, watch); !awaited.ok()) {
      watch->loop->ReportError({absl::StrCat("wait for child ", watch->child.pid), awaited});
    }
  }
}

}  // namespace

struct UringChildWatcher::Rings {
  // By address: a loop that is closed is not in here any more.
  struct Entry {
    std::weak_ptr<EventLoop> loop;
    std::shared_ptr<ChildWaitRing> ring;
  };
  absl::Mutex mutex;
  absl::flat_hash_map<const EventLoop*, Entry> entries ABSL_GUARDED_BY(mutex);
};

// A loop's reader of its ring. A loop that is closed drops it, and it sees to the ring and
// to the children.
class UringChildWatcher::Reader {
 public:
  Reader(const EventLoop* loop, std::shared_ptr<ChildWaitRing> ring,
         const std::shared_ptr<WatchTable>& table, const std::shared_ptr<Rings>& rings)
      : loop_(loop), ring_(std::move(ring)), table_(table), rings_(rings) {}
  Reader(Reader&&) = default;
  Reader& operator=(Reader&&) = delete;

  ~Reader() {
    if (ring_ == nullptr || !loop_->is_closed()) return;
    if (auto rings = rings_.lock()) {
      absl::MutexLock lock(&rings->mutex);
      rings->entries.erase(loop_);
    }
    const std::vector<std::shared_ptr<Watch>> waited_for = ring_->Close();
    auto table = table_.lock();
    if (table == nullptr) return;
    for (const auto& watch : waited_for) table->OnLoopClosed(watch);
  }

  void operator()() {
    const std::shared_ptr<ChildWaitRing> ring = ring_;  // the loop may let go of this reader
    TellEnded(*ring, table_);
  }

 private:
  const EventLoop* loop_;                // has this reader
  std::shared_ptr<ChildWaitRing> ring_;  // null once moved
  std::weak_ptr<WatchTable> table_;
  std::weak_ptr<Rings> rings_;
};

absl::Status UringChildWatcher::Probe() { return ChildWaitRing::Probe(); }

UringChildWatcher::UringChildWatcher() : rings_(std::make_shared<Rings>()) {}

UringChildWatcher::~UringChildWatcher() { Close(); }

absl::Status UringChildWatcher::AddChildHandler(pid_t pid, ChildHandler handler) {
  auto loop = GetRunningLoop();
  if (!loop.ok()) return NoRunningLoopError(name(), pid);
  if (PeekChild({pid}).state == ChildLook::State::kGone) return NoSuchChildError(name(), pid);
  return AddChildHandler(OpenChild(pid), std::move(handler));
}

absl::Status UringChildWatcher::AddChildHandler(ChildRef child, ChildHandler handler) {
  auto loop = GetRunningLoop();
  if (!loop.ok()) return NoRunningLoopError(name(), child.pid);
  auto watch =
      table_->Add(std::move(child), *std::move(loop), std::move(handler),
                  [this](const std::shared_ptr<Watch>& displaced) { StopWaiting(displaced); });
  if (!watch.ok() || *watch == nullptr) return watch.status();
  absl::Status awaited = Await(*watch);
  if (!awaited.ok()) table_->Remove(*watch);
  return awaited;
}

absl::Status UringChildWatcher::Await(const std::shared_ptr<Watch>& watch) {
  auto ring = RingFor(watch->loop);
  if (ring != nullptr && ring->Add(watch).ok()) return absl::OkStatus();
  return AwaitWithoutRing(table_, watch);
}

std::shared_ptr<ChildWaitRing> UringChildWatcher::RingFor(const std::shared_ptr<EventLoop>& loop) {
  if (auto ring = FindRing(*loop)) return ring;
  auto made = ChildWaitRing::Create();
  if (!made.ok()) return nullptr;
  const std::shared_ptr<ChildWaitRing> ring = *std::move(made);
  const absl::Status added = loop->AddReader(ring->fd(), Reader(loop.get(), ring, table_, rings_));
  if (!added.ok()) return nullptr;
  absl::MutexLock lock(&rings_->mutex);
  rings_->entries[loop.get()] = {loop, ring};
  return ring;
}

std::shared_ptr<ChildWaitRing> UringChildWatcher::FindRing(const EventLoop& loop) const {
  absl::MutexLock lock(&rings_->mutex);
  auto found = rings_->entries.find(&loop);
  return found == rings_->entries.end() ? nullptr : found->second.ring;
}

void UringChildWatcher::StopWaiting(const std::shared_ptr<Watch>& watch) {
  ExitThread::Get().Forget(watch);
  if (auto ring = FindRing(*watch->loop)) ring->Cancel(watch);
}

bool UringChildWatcher::RemoveChildHandler(pid_t pid) {
  const std::shared_ptr<Watch> watch = table_->Remove(pid);
  if (watch == nullptr) return false;
  StopWaiting(watch);
  ReapWhenEnded(watch->child);
  return true;
}

void UringChildWatcher::Close() {
  for (const auto& watch : table_->Close()) {
    StopWaiting(watch);
    ReapWhenEnded(watch->child);
  }
  absl::flat_hash_map<const EventLoop*, Rings::Entry> entries;
  {
    absl::MutexLock lock(&rings_->mutex);
    entries.swap(rings_->entries);
  }
  for (const auto& [address, entry] : entries) {
    auto loop = entry.loop.lock();
    if (loop == nullptr) continue;  // it closes its ring just now
    // The reader is taken away before the descriptor is closed, on the loop's thread; a
    // closed loop has none.
    auto stop = [loop, ring = entry.ring] {
      loop->RemoveReader(ring->fd());
      ring->Close();
    };
    auto running = GetRunningLoop();
    if (running.ok() && *running == loop) {
      stop();
    } else if (!loop->CallSoonThreadsafe(std::move(stop)).ok()) {
      entry.ring->Close();
    }
  }
}

std::string UringChildWatcher::DebugString() const {
  return absl::StrCat("uring: ", table_->DebugString());
}

}  // namespace proctor
