#include "proctor/event_loop_policy.h"

#include <string>
#include <utility>

#include "absl/base/const_init.h"
#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "proctor/default_event_loop_policy.h"
#include "proctor/error.h"

namespace proctor {
namespace {

ABSL_CONST_INIT absl::Mutex mutex(absl::kConstInit);

// Never destroyed: threads may outlive main.
std::shared_ptr<EventLoopPolicy>& CurrentLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
  static auto* current = new std::shared_ptr<EventLoopPolicy>;
  return *current;
}

}  // namespace

absl::Status PolicyAnsweredNothingError(std::string_view call) {
  const std::string name(call);
  return MakeError(
      absl::StatusCode::kInternal, Reason::kPolicyAnsweredNothing,
      absl::StrCat("the event loop policy answered OK to ", name, ", with nothing in it"),
      {{"call", name}});
}

std::shared_ptr<EventLoopPolicy> GetEventLoopPolicy() {
  absl::MutexLock lock(&mutex);
  std::shared_ptr<EventLoopPolicy>& current = CurrentLocked();
  if (current == nullptr) current = std::make_shared<DefaultEventLoopPolicy>();
  return current;
}

void SetEventLoopPolicy(std::shared_ptr<EventLoopPolicy> policy) {
  absl::MutexLock lock(&mutex);
  CurrentLocked().swap(policy);  // the one before ends with the parameter, after the lock
}

absl::StatusOr<std::shared_ptr<EventLoop>> GetEventLoop() {
  auto running = GetRunningLoop();
  return running.ok() ? running : CheckAnswer("GetEventLoop", GetEventLoopPolicy()->GetEventLoop());
}

absl::Status SetEventLoop(std::shared_ptr<EventLoop> loop) {
  return GetEventLoopPolicy()->SetEventLoop(std::move(loop));
}

absl::StatusOr<std::shared_ptr<EventLoop>> NewEventLoop() {
  return CheckAnswer("NewEventLoop", GetEventLoopPolicy()->NewEventLoop());
}

absl::StatusOr<std::shared_ptr<ChildWatcher>> GetChildWatcher() {
  return CheckAnswer("GetChildWatcher", GetEventLoopPolicy()->GetChildWatcher());
}

absl::Status SetChildWatcher(std::shared_ptr<ChildWatcher> watcher) {
  return GetEventLoopPolicy()->SetChildWatcher(std::move(watcher));
}

}  // namespace proctor
