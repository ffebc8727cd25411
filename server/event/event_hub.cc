#include "server/event/event_hub.h"

#include <pthread.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/session/bounded_text.h"
#include "server/event/event_feed.h"
#include "server/event/event_messages.h"

namespace proctor::server {

EventHub::EventHub(EventLog* log, Meter* meter, std::shared_ptr<EventLoop> loop)
    : log_(log),
      loop_(std::move(loop)),
      journal_(log, meter),
      messages_(std::make_unique<EventMessages>(log->log_id())) {}

std::unique_ptr<EventHub> EventHub::Start(EventLog* log, Meter* meter,
                                          std::shared_ptr<EventLoop> loop) {
  std::unique_ptr<EventHub> hub(new EventHub(log, meter, loop));
  hub->thread_ = std::thread([loop] {
    pthread_setname_np(pthread_self(), "events");
    const absl::Status ran = loop->RunForever();
    if (!ran.ok()) loop->ReportError({"run the loop of event streams", ran});
  });
  // Many appends before the hub's next turn are one wake.
  hub->listener_ = log->AddListener([raw = hub.get(), woken = hub->woken_, loop] {
    // The loop's thread, which makes the call, ends before the hub; then the loop refuses it.
    if (!woken->exchange(true)) (void)loop->CallSoonThreadsafe([raw] { raw->PumpAll(); });
  });
  return hub;
}

EventHub::~EventHub() {
  AwaitStreams(absl::InfiniteFuture());
  log_->RemoveListener(listener_);
  loop_->Stop();
  thread_.join();
  journal_.Write();  // what came last
  journal_.TellUntold();
  (void)loop_->Close();  // not running: cannot fail
}

void EventHub::Post(LoopCallback work) {
  (void)loop_->CallSoonThreadsafe(std::move(work));  // open for as long as the hub is
}

void EventHub::AddUser() {
  absl::MutexLock lock(&mutex_);
  ++users_;
}

void EventHub::ReleaseUser() {
  absl::MutexLock lock(&mutex_);
  --users_;
}

bool EventHub::AwaitStreams(absl::Time deadline) {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithDeadline(absl::Condition(
                                      +[](int* users) { return *users == 0; }, &users_),
                                  deadline);
}

void EventHub::Add(EventFeed* stream) {
  own_thread_.Check();
  streams_.insert(stream);
  subscribers_ = streams_.size();
}

void EventHub::Remove(EventFeed* stream) {
  own_thread_.Check();
  streams_.erase(stream);
  if (streams_.empty()) messages_->Clear();
  subscribers_ = streams_.size();
  MeasureLag();
}

void EventHub::MeasureLag() {
  const uint64_t last = log_->range().last;
  uint64_t least = last;
  for (const EventFeed* stream : streams_) least = std::min(least, stream->position());
  lag_ = last - least;
}

void EventHub::PumpAll() {
  own_thread_.Check();
  woken_->store(false);  // before the reading: an append from here on wakes again
  journal_.Write();
  const std::vector<EventFeed*> streams(streams_.begin(), streams_.end());
  for (EventFeed* stream : streams) stream->Pump();
  MeasureLag();
}

void EventHub::EndStreams() {
  Post([this] {
    own_thread_.Check();
    ending_ = true;
    PumpAll();
    for (const auto& [id, listener] : std::exchange(end_listeners_, {})) listener();
  });
}

uint64_t EventHub::AddEndListener(std::function<void()> listener) {
  own_thread_.Check();
  end_listeners_.emplace(++last_end_listener_, std::move(listener));
  return last_end_listener_;
}

void EventHub::RemoveEndListener(uint64_t id) {
  own_thread_.Check();
  end_listeners_.erase(id);
}

std::string EventHub::DebugString(size_t max_bytes) const {
  own_thread_.Check();
  int users;
  {
    absl::MutexLock lock(&mutex_);
    users = users_;
  }
  BoundedText text(max_bytes);
  text.Add(loop_->DebugString());
  text.Add(absl::StrCat("streams: ", streams_.size(), "; calls and streams: ", users,
                        ending_ ? "; ending" : ""));
  for (const EventFeed* stream : streams_) text.Add([stream] { return stream->DebugString(); });
  return std::move(text).Take();
}

}  // namespace proctor::server
