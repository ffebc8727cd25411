#include "client/cli/verbs/event_bell.h"

#include <utility>

#include "absl/time/clock.h"
#include "client/cli/command/invocation.h"

namespace proctor::cli {
namespace {

constexpr absl::Duration kRetry = absl::Seconds(1);

}  // namespace

EventBell::EventBell(const client::Client& client, v1::EventFilter filter)
    : client_(client), filter_(std::move(filter)), thread_([this] { Listen(); }) {}

EventBell::~EventBell() {
  {
    absl::MutexLock lock(&mutex_);
    ended_ = true;
    if (stream_ != nullptr) stream_->Cancel();
  }
  thread_.join();
}

bool EventBell::AwaitTick(absl::Duration duration) {
  absl::SleepFor(duration);
  absl::MutexLock lock(&mutex_);
  return std::exchange(rung_, false);
}

void EventBell::Listen() {
  do {
    Pass();
    Ring();
  } while (!Pause(kRetry));
}

void EventBell::Pass() {
  const auto info = client_.GetServerInfo({}, Prompt());
  if (!info.ok()) return;
  // A look from now on sees what was before this position.
  Ring();
  v1::WatchEventsRequest request;
  *request.mutable_resume_after() = info->last_event();
  *request.mutable_filter() = filter_;
  const std::unique_ptr<client::EventStream> stream = client_.WatchEvents(request);
  {
    absl::MutexLock lock(&mutex_);
    stream_ = stream.get();
    if (ended_) stream->Cancel();
  }
  while (const v1::WatchEventsResponse* response = stream->Next()) {
    if (response->has_event()) Ring();
  }
  (void)stream->Finish();
  absl::MutexLock lock(&mutex_);
  stream_ = nullptr;
}

void EventBell::Ring() {
  absl::MutexLock lock(&mutex_);
  rung_ = true;
}

bool EventBell::Pause(absl::Duration duration) {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&ended_), duration);
}

}  // namespace proctor::cli
