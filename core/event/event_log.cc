#include "core/event/event_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/error.h"
#include "core/base/random_id.h"

namespace proctor {

EventLog::EventLog(size_t max_events)
    : log_id_(NewRandomId()),
      max_events_(max_events),
      listeners_(std::make_shared<const Listeners>()) {}

uint64_t EventLog::Append(Event event) {
  auto recorded = std::make_shared<Event>(std::move(event));
  EventPtr expired;  // destroyed after the lock
  std::shared_ptr<const Listeners> listeners;
  uint64_t sequence;
  {
    absl::MutexLock lock(&mutex_);
    sequence = ++last_;
    recorded->sequence = sequence;
    recorded->time = absl::Now();
    events_.push_back(std::move(recorded));
    if (events_.size() > max_events_) {
      expired = std::move(events_.front());
      events_.pop_front();
    }
    listeners = listeners_;
  }
  for (const auto& [id, listener] : *listeners) listener();
  return sequence;
}

EventLog::Range EventLog::RangeLocked() const { return {last_ - events_.size() + 1, last_}; }

EventLog::Range EventLog::range() const {
  absl::MutexLock lock(&mutex_);
  return RangeLocked();
}

absl::Status EventLog::CheckSequenceLocked(uint64_t sequence) const {
  const Range range = RangeLocked();
  const ErrorMetadata metadata = {{"log_id", log_id_},
                                  {"sequence", absl::StrCat(sequence)},
                                  {"first", absl::StrCat(range.first)},
                                  {"last", absl::StrCat(range.last)}};
  if (sequence > range.last) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, "POSITION_IN_FUTURE",
        absl::StrCat("resume after event ", sequence, ": the last one is ", range.last), metadata);
  }
  if (sequence + 1 < range.first) {
    return MakeError(
        absl::StatusCode::kOutOfRange, "EVENTS_EXPIRED",
        absl::StrCat("resume after event ", sequence, ": the first one kept is ", range.first),
        metadata);
  }
  return absl::OkStatus();
}

absl::Status EventLog::CheckPosition(std::string_view log_id, uint64_t sequence) const {
  if (log_id != log_id_) {
    return MakeError(absl::StatusCode::kAborted, "LOG_CHANGED",
                     absl::StrCat("resume in event log '", std::string(log_id),
                                  "': this server's log is '", log_id_, "'"),
                     {{"log_id", log_id_}});
  }
  absl::MutexLock lock(&mutex_);
  return CheckSequenceLocked(sequence);
}

absl::StatusOr<std::vector<EventLog::EventPtr>> EventLog::ReadAfter(uint64_t sequence,
                                                                    size_t max) const {
  absl::MutexLock lock(&mutex_);
  const absl::Status status = CheckSequenceLocked(sequence);
  if (!status.ok()) return status;
  const size_t begin = sequence + 1 - RangeLocked().first;
  const size_t end = begin + std::min(max, events_.size() - begin);
  return std::vector<EventPtr>(events_.begin() + begin, events_.begin() + end);
}

uint64_t EventLog::AddListener(Listener listener) {
  absl::MutexLock lock(&mutex_);
  auto next = std::make_shared<Listeners>(*listeners_);
  next->emplace(++last_listener_, std::move(listener));
  listeners_ = std::move(next);
  return last_listener_;
}

void EventLog::RemoveListener(uint64_t id) {
  std::shared_ptr<const Listeners> before;  // destroyed after the lock
  absl::MutexLock lock(&mutex_);
  auto next = std::make_shared<Listeners>(*listeners_);
  next->erase(id);
  before = std::exchange(listeners_, std::move(next));
}

}  // namespace proctor
