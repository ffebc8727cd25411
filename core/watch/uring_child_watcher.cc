#include "core/watch/uring_child_watcher.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/watch/child_wait_ring.h"
#include "core/watch/exit_thread.h"
#include "core/watch/orphan_reaper.h"

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
      watch->loop->ReportError({absl::StrCat("wait for child ", watch->pid), awaited});
    }
  }
}

}  // namespace

absl::Status UringChildWatcher::Probe() { return ChildWaitRing::Probe(); }

UringChildWatcher::UringChildWatcher() = default;

UringChildWatcher::~UringChildWatcher() { Close(); }

absl::Status UringChildWatcher::AddChildHandler(pid_t pid, ChildHandler handler) {
  auto loop = GetRunningLoop();
  if (!loop.ok()) return NoRunningLoopError(name(), pid);
  if (PeekChild(pid, -1).state == ChildLook::State::kGone) return NoSuchChildError(name(), pid);
  return AddChild(pid, PidfdOf(pid), std::move(handler));
}

absl::Status UringChildWatcher::AddChild(pid_t pid, SharedFd pidfd, ChildHandler handler) {
  auto loop = GetRunningLoop();
  if (!loop.ok()) return NoRunningLoopError(name(), pid);
  auto watch =
      table_->Add(pid, std::move(pidfd), *std::move(loop), std::move(handler),
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
  {
    absl::MutexLock lock(&mutex_);
    auto ring = rings_.find(loop);
    if (ring != rings_.end()) return ring->second;
  }
  auto made = ChildWaitRing::Create();
  if (!made.ok()) return nullptr;
  const std::shared_ptr<ChildWaitRing> ring = *std::move(made);
  const absl::Status added = loop->AddReader(
      ring->fd(), [ring, table = std::weak_ptr<WatchTable>(table_)] { TellEnded(*ring, table); });
  if (!added.ok()) return nullptr;
  absl::MutexLock lock(&mutex_);
  rings_[loop] = ring;
  return ring;
}

void UringChildWatcher::StopWaiting(const std::shared_ptr<Watch>& watch) {
  ExitThread::Get().Forget(watch);
  std::shared_ptr<ChildWaitRing> ring;
  {
    absl::MutexLock lock(&mutex_);
    auto found = rings_.find(watch->loop);
    if (found != rings_.end()) ring = found->second;
  }
  if (ring != nullptr) ring->Cancel(watch);
}

bool UringChildWatcher::RemoveChildHandler(pid_t pid) {
  const std::shared_ptr<Watch> watch = table_->Remove(pid);
  if (watch == nullptr) return false;
  StopWaiting(watch);
  ReapWhenEnded(pid, watch->pidfd);
  return true;
}

void UringChildWatcher::Close() {
  for (const auto& watch : table_->Close()) {
    StopWaiting(watch);
    ReapWhenEnded(watch->pid, watch->pidfd);
  }
  absl::flat_hash_map<std::shared_ptr<EventLoop>, std::shared_ptr<ChildWaitRing>> rings;
  {
    absl::MutexLock lock(&mutex_);
    rings.swap(rings_);
  }
  for (const auto& [loop, ring] : rings) {
    // The reader is taken away before the descriptor is closed, on the loop's thread; a
    // closed loop has none.
    auto stop = [loop = loop, ring = ring] {
      loop->RemoveReader(ring->fd());
      ring->Close();
    };
    auto running = GetRunningLoop();
    if (running.ok() && *running == loop) {
      stop();
    } else if (!loop->CallSoonThreadsafe(std::move(stop)).ok()) {
      ring->Close();
    }
  }
}

std::string UringChildWatcher::DebugString() const {
  return absl::StrCat("uring: ", table_->DebugString());
}

}  // namespace proctor
