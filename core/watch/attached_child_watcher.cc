#include "core/watch/attached_child_watcher.h"

#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/return_if_error.h"
#include "core/base/warning.h"
#include "core/wait/child_wait.h"
#include "core/wait/orphan_reaper.h"
#include "proctor/error.h"

namespace proctor {

absl::Status AttachedChildWatcher::AddChildHandler(ChildRef child, ChildHandler handler) {
  const std::shared_ptr<EventLoop> attached_loop = attached();
  if (table_->closed()) return WatcherClosedError(name());
  if (attached_loop == nullptr || !attached_loop->is_running()) {
    return InactiveError(name(), child.pid);
  }
  auto running = GetRunningLoop();
  auto watch =
      table_->Add(std::move(child), running.ok() ? *running : attached_loop, std::move(handler),
                  [this](const std::shared_ptr<Watch>& displaced) { StopPolling(displaced); });
  if (!watch.ok() || *watch == nullptr) return watch.status();

  const ChildLook look = PeekChild((*watch)->child);
  if (look.state != ChildLook::State::kRunning) {
    table_->Post(*watch, look);
  } else if (!poller()->TryAddPolled(*watch)) {
    poller()->AddUnpolled(*watch);
  }
  return absl::OkStatus();
}

bool AttachedChildWatcher::RemoveChildHandler(pid_t pid) {
  const std::shared_ptr<Watch> watch = table_->Remove(pid);
  if (watch == nullptr) return false;
  StopPolling(watch);
  OnRemoved(*watch);
  return true;
}

void AttachedChildWatcher::StopPolling(const std::shared_ptr<Watch>& watch) {
  if (auto standing = poller()) standing->Remove(watch);
}

absl::Status AttachedChildWatcher::AttachLoop(std::shared_ptr<EventLoop> loop) {
  if (::gettid() != ::getpid()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kNotMainThread,
                     absl::StrCat(name(), ": attach a loop: only on the main thread"));
  }
  if (table_->closed()) return WatcherClosedError(name());
  Detach(/*closing=*/false);
  if (loop != nullptr) return Attach(loop);
  if (!table_->empty()) {
    Warn(absl::StrCat(name(),
                      ": detached from its event loop while children have handlers, which wait "
                      "for the next attachment: ",
                      table_->DebugString()));
  }
  return absl::OkStatus();
}

absl::Status AttachedChildWatcher::Attach(const std::shared_ptr<EventLoop>& loop) {
  auto weak = weak_from_this();
  table_->SetOnReaped([weak] {
    if (auto self = weak.lock()) self->OnReaped();
  });
  std::shared_ptr<ExitPoller> poll = poller();
  if (poll == nullptr) {
    ASSIGN_OR_RETURN(auto made, ExitPoller::Create());
    poll = std::move(made);
  }
  auto listener = SigchldListener::Create([weak] {
    auto self = weak.lock();
    if (self == nullptr) return;
    auto attached_loop = self->attached();
    if (attached_loop == nullptr) return;
    if (self->poller()->has_unpolled()) {
      (void)attached_loop->CallSoonThreadsafe([weak] {  // a closed one is not active
        if (auto standing = weak.lock()) standing->Sweep();
      });
    }
    self->OnSigchld();
  });
  if (!listener.ok()) return listener.status();
  absl::Status added = loop->AddReader(poll->fd(), [weak] {
    if (auto self = weak.lock()) self->Sweep();
  });
  if (!added.ok()) return added;
  {
    absl::MutexLock lock(&mutex_);
    loop_ = loop;
    poller_ = std::move(poll);
    listener_ = *std::move(listener);
  }
  Sweep();
  return absl::OkStatus();
}

void AttachedChildWatcher::Detach(bool closing) {
  std::shared_ptr<EventLoop> loop;
  std::shared_ptr<ExitPoller> poll = poller();
  std::unique_ptr<SigchldListener> listener;
  {
    absl::MutexLock lock(&mutex_);
    loop.swap(loop_);
    listener.swap(listener_);
  }
  if (poll == nullptr) return;
  if (loop == nullptr) return closing ? poll->Close() : void();
  // The loop's thread, which need not be this one when the watcher is closed.
  auto stop = [loop, poll, closing] {
    loop->RemoveReader(poll->fd());
    if (closing) poll->Close();
  };
  auto running = GetRunningLoop();
  const bool here =
      running.ok() ? *running == loop : ::gettid() == ::getpid() && !loop->is_running();
  // A closed loop watches nothing: any thread will do then.
  if (here || !loop->CallSoonThreadsafe(stop).ok()) stop();
}

void AttachedChildWatcher::Sweep() {
  const auto self = shared_from_this();  // a handler may let go of the last other one
  if (attached() == nullptr) return;
  auto running = GetRunningLoop();
  for (const ExitPoller::Ended& ended : poller()->TakeEnded()) {
    if (running.ok() && *running == ended.watch->loop) {
      table_->Tell(ended.watch, ended.look);
    } else {
      table_->Post(ended.watch, ended.look);
    }
  }
}

bool AttachedChildWatcher::IsActive() const {
  const std::shared_ptr<EventLoop> loop = attached();
  return loop != nullptr && loop->is_running();
}

void AttachedChildWatcher::Close() {
  Detach(/*closing=*/true);
  for (const auto& watch : table_->Close()) {
    StopPolling(watch);
    ReapWhenEnded(watch->child);
  }
}

std::shared_ptr<EventLoop> AttachedChildWatcher::attached() const {
  absl::MutexLock lock(&mutex_);
  return loop_;
}

std::shared_ptr<ExitPoller> AttachedChildWatcher::poller() const {
  absl::MutexLock lock(&mutex_);
  return poller_;
}

std::string AttachedChildWatcher::DebugString() const {
  const std::shared_ptr<EventLoop> loop = attached();
  return absl::StrCat(name(), ": ", loop == nullptr ? "detached" : "attached to ",
                      loop == nullptr ? "" : loop->name(), "; ", table_->DebugString());
}

}  // namespace proctor
