#include "proctor/default_event_loop_policy.h"

#include <pthread.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/return_if_error.h"
#include "core/loop/selector_event_loop.h"
#include "core/policy/thread_loops.h"
#include "proctor/error.h"
#include "proctor/watcher_kind.h"

namespace proctor {
namespace {

bool OnMainThread() { return ::gettid() == ::getpid(); }

absl::Status NoCurrentLoopError() {
  char name[16] = "";  // as long as a thread's name can be
  ::pthread_getname_np(::pthread_self(), name, sizeof name);
  const std::string thread = absl::StrCat(::gettid());
  return MakeError(
      absl::StatusCode::kFailedPrecondition, Reason::kNoCurrentEventLoop,
      absl::StrCat("there is no current event loop in ",
                   OnMainThread() ? "the main thread" : "thread", " '", name, "' (", thread, ")"),
      {{"thread", name}, {"thread_id", thread}});
}

}  // namespace

DefaultEventLoopPolicy::DefaultEventLoopPolicy() : DefaultEventLoopPolicy(WatcherFactory()) {}

DefaultEventLoopPolicy::DefaultEventLoopPolicy(WatcherFactory watcher_factory)
    : watcher_factory_(watcher_factory ? std::move(watcher_factory)
                                       : [] { return NewWatcher(kAutoWatcher); }),
      loops_(std::make_shared<ThreadLoops>()) {}

DefaultEventLoopPolicy::~DefaultEventLoopPolicy() = default;

absl::StatusOr<std::shared_ptr<EventLoop>> DefaultEventLoopPolicy::GetEventLoop() {
  ThreadLoops::Slot slot = loops_->Get();
  if (slot.loop == nullptr && !slot.was_set && OnMainThread()) {
    auto loop = CheckAnswer("NewEventLoop", NewEventLoop());  // an override's
    if (!loop.ok()) return loop.status();
    // The virtual one: an override sees the loop, and may set another (conformance 4).
    RETURN_IF_ERROR(SetEventLoop(*std::move(loop)));
    slot = loops_->Get();
  }
  if (slot.loop == nullptr) return NoCurrentLoopError();
  return slot.loop;
}

absl::Status DefaultEventLoopPolicy::SetEventLoop(std::shared_ptr<EventLoop> loop) {
  if (OnMainThread()) {
    std::shared_ptr<ChildWatcher> watcher;
    {
      absl::MutexLock lock(&mutex_);
      watcher = watcher_;
    }
    if (watcher != nullptr) {
      // A loop that brings its own way to wait gets no watcher, nor keeps the last one.
      const bool attaches = loop != nullptr && loop->SupportsChildWatchers();
      RETURN_IF_ERROR(watcher->AttachLoop(attaches ? loop : nullptr));
    }
  }
  loops_->Set(std::move(loop));
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<EventLoop>> DefaultEventLoopPolicy::NewEventLoop() {
  return SelectorEventLoop::Create();
}

absl::StatusOr<std::shared_ptr<ChildWatcher>> DefaultEventLoopPolicy::GetChildWatcher() {
  {
    absl::MutexLock lock(&mutex_);
    if (watcher_ != nullptr) return watcher_;
  }
  absl::StatusOr<std::shared_ptr<ChildWatcher>> made = watcher_factory_();
  if (!made.ok()) return made.status();
  if (*made == nullptr) {
    return MakeError(absl::StatusCode::kInternal, Reason::kWatcherFactoryFailed,
                     "the watcher factory of the event loop policy made nothing");
  }
  std::shared_ptr<ChildWatcher> winner;
  {
    absl::MutexLock lock(&mutex_);
    if (watcher_ == nullptr) watcher_ = *made;
    winner = watcher_;
  }
  if (winner != *made) (*made)->Close();  // another thread was faster
  return winner;
}

absl::Status DefaultEventLoopPolicy::SetChildWatcher(std::shared_ptr<ChildWatcher> watcher) {
  for (const auto& loop : loops_->All()) {
    if (loop->SupportsChildWatchers()) continue;
    return MakeError(
        absl::StatusCode::kFailedPrecondition, Reason::kWatchersUnsupported,
        absl::StrCat("the ", loop->name(), " event loop does not support custom child watchers"),
        {{"loop", loop->name()}});
  }
  const ChildWatcher* kept = watcher.get();
  {
    absl::MutexLock lock(&mutex_);
    watcher_.swap(watcher);
  }
  if (watcher != nullptr && watcher.get() != kept) watcher->Close();
  return absl::OkStatus();
}

}  // namespace proctor
