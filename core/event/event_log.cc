#include "core/event/event_log.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/random_id.h"
#include "core/base/return_if_error.h"
#include "core/base/warning.h"

namespace proctor {
namespace {

// A log with a store keeps so many events in memory too, for the readers that keep up.
constexpr size_t kMostInMemory = 4096;

constexpr absl::Duration kUpkeepEvery = absl::Seconds(1);
// How soon a store that is only busy is asked again, and how long for at the end.
constexpr absl::Duration kBusyRetryEvery = absl::Milliseconds(50);
constexpr absl::Duration kBusyAtEnd = absl::Seconds(10);

}  // namespace

EventLog::EventLog(const Options& options)
    : EventLog(options, nullptr, EventCodec(), Range(), absl::Now()) {}

EventLog::EventLog(const Options& options, std::unique_ptr<EventStore> store, EventCodec codec,
                   const Range& range, absl::Time newest)
    : options_(options),
      store_(std::move(store)),
      codec_(std::move(codec)),
      log_id_(store_ != nullptr ? store_->log_id() : NewRandomId()),
      most_in_memory_(store_ != nullptr ? std::min(kMostInMemory, options.max_events)
                                        : options.max_events),
      appended_(range.last),
      first_(range.first),
      last_(range.last),
      age_clock_(options.max_age, newest),
      listeners_(std::make_shared<const Listeners>()) {
  if (store_ == nullptr) return;
  upkeep_ = std::thread([this] { KeepUp(); });
  if (options_.recorder) recorder_ = std::thread([this] { RecordWhenAsked(); });
}

absl::StatusOr<std::unique_ptr<EventLog>> EventLog::Open(const Options& options,
                                                         std::unique_ptr<EventStore> store,
                                                         EventCodec codec) {
  ASSIGN_OR_RETURN(auto range, store->FindRange());
  absl::Time newest = absl::Now();
  if (range.last >= range.first) {
    ASSIGN_OR_RETURN(auto last, store->Read(range.last - 1, 1));
    if (!last.empty()) newest = std::min(newest, last.front().time);
  }
  return std::unique_ptr<EventLog>(
      new EventLog(options, std::move(store), std::move(codec), range, newest));
}

EventLog::~EventLog() {
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
  }
  if (upkeep_.joinable()) upkeep_.join();
  if (recorder_.joinable()) recorder_.join();
  absl::MutexLock lock(&mutex_);
  if (!pending_.empty()) RecordAtEnd();
}

// The last chance of what waits to be recorded.
void EventLog::RecordAtEnd() {
  const absl::Time deadline = absl::Now() + kBusyAtEnd;
  RecordPending();
  while (absl::IsUnavailable(failure_) && absl::Now() < deadline) {
    absl::SleepFor(kBusyRetryEvery);
    RecordPending();
  }
  if (pending_.empty()) return;
  Warn(absl::StrCat("the last ", appended_ - last_, " events could not be recorded and are lost: ",
                    std::string(failure_.message())));
}

// ---- Upkeep. --------------------------------------------------------------

void EventLog::KeepUp() {
  pthread_setname_np(pthread_self(), "event-log");
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      if (absl::IsUnavailable(failure_)) {
        if (mutex_.AwaitWithTimeout(absl::Condition(&ending_), kBusyRetryEvery)) return;
        AwaitIdle();
        RecordPending();
        continue;
      }
      // Events that were published while a recording hung in the store, and that no thread waits
      // for any more.
      const auto left_over = [this] {
        mutex_.AssertReaderHeld();
        return failure_.ok() && !recording_ && published_ > last_;
      };
      const auto wanted = [this, &left_over] {
        mutex_.AssertReaderHeld();
        return ending_ || absl::IsUnavailable(failure_) || left_over();
      };
      mutex_.AwaitWithTimeout(absl::Condition(&wanted), kUpkeepEvery);
      if (ending_) return;
      if (left_over()) RecordPending();
      if (absl::IsUnavailable(failure_)) continue;
    }
    UpkeepOnce();
  }
}

void EventLog::UpkeepOnce() {
  store_->Upkeep();
  uint64_t first_of_age = 1;
  if (options_.max_age != absl::InfiniteDuration()) {
    mutex_.Lock();
    const absl::Time oldest = age_clock_.Now() - options_.max_age;
    mutex_.Unlock();
    first_of_age = store_->FirstSince(oldest).value_or(1);
  }
  absl::MutexLock lock(&mutex_);
  first_of_age_ = std::max(first_of_age_, first_of_age);
  AwaitIdle();
  if (store_->NeedsQuietUpkeep()) {
    recording_ = true;
    mutex_.Unlock();
    store_->QuietUpkeep();
    mutex_.Lock();
    recording_ = false;
  }
  // Also a change that no event has taken along yet.
  const bool waiting = !failure_.ok() || !pending_.empty();
  if (waiting || FirstKeptLocked(last_) != 0) RecordPending();
}

// ---- Listeners. -----------------------------------------------------------

void EventLog::SetMeter(Meter* meter) {
  absl::MutexLock lock(&mutex_);
  meter_ = meter;
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

std::string EventLog::DebugString() const {
  const absl::Status room = CheckRoom();
  absl::MutexLock lock(&mutex_);
  return absl::StrCat(
      "event log ", log_id_, ": ", first_, " to ", last_, "; ", stored() ? "stored" : "in memory",
      "; given: ", appended_, ", published: ", published_, "; waiting: ", pending_.size(),
      ", in hand: ", in_hand_.size(), recording_ ? ", recording" : "",
      "; listeners: ", listeners_->size(), room.ok() ? "" : "; trouble: ", room.message());
}

}  // namespace proctor
