#include "core/event/event_log.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/error.h"
#include "core/base/random_id.h"
#include "core/base/warning.h"

namespace proctor {
namespace {

// Of a log that is kept elsewhere, so many events are in memory too: those which readers who
// keep up want.
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
  if (store_ != nullptr) upkeep_ = std::thread([this] { KeepUp(); });
}

absl::StatusOr<std::unique_ptr<EventLog>> EventLog::Open(const Options& options,
                                                         std::unique_ptr<EventStore> store,
                                                         EventCodec codec) {
  auto range = store->FindRange();
  if (!range.ok()) return range.status();
  absl::Time newest = absl::Now();
  if (range->last >= range->first) {
    auto last = store->Read(range->last - 1, 1);
    if (!last.ok()) return last.status();
    if (!last->empty()) newest = std::min(newest, last->front().time);
  }
  return std::unique_ptr<EventLog>(
      new EventLog(options, std::move(store), std::move(codec), *range, newest));
}

EventLog::~EventLog() {
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
  }
  if (upkeep_.joinable()) upkeep_.join();
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

// ---- Recording. -----------------------------------------------------------

uint64_t EventLog::Append(Entry entry) {
  auto event = std::make_shared<Event>(std::move(entry.event));
  std::string body;
  if (store_ != nullptr) body = codec_.encode(*event);
  absl::MutexLock lock(&mutex_);
  const uint64_t sequence = ++appended_;
  event->sequence = sequence;
  event->time = absl::Now();
  for (StateChange& change : entry.changes) {
    if (change.ordinal == 0) change.ordinal = sequence;
  }
  pending_.push_back(
      {std::move(event), std::move(body), std::move(entry.changes), std::move(entry.publish)});
  // Also when somebody else is recording again by now: that is not waited for.
  const auto known = [this, sequence] {
    mutex_.AssertReaderHeld();
    return last_ >= sequence || (!failure_.ok() && published_ >= sequence);
  };
  const auto settled = [this, &known] {
    mutex_.AssertReaderHeld();
    return !recording_ || known();
  };
  while (!known()) {
    if (recording_) {
      mutex_.Await(absl::Condition(&settled));
    } else if (failure_.ok()) {
      RecordPending();
    } else {
      PublishPending();
    }
  }
  return sequence;
}

void EventLog::Change(StateChange change) {
  if (store_ == nullptr) return;
  Pending pending;
  pending.changes.push_back(std::move(change));
  absl::MutexLock lock(&mutex_);
  pending_.push_back(std::move(pending));
}

absl::Status EventLog::Record(StateChange change) {
  if (store_ == nullptr) return absl::OkStatus();
  std::optional<absl::Status> outcome;
  Pending pending;
  pending.changes.push_back(std::move(change));
  pending.outcome = &outcome;
  absl::MutexLock lock(&mutex_);
  if (absl::Status refusal = RefusalLocked(); !refusal.ok()) return refusal;
  pending_.push_back(std::move(pending));
  const auto settled = [this, &outcome] {
    mutex_.AssertReaderHeld();
    return !recording_ || outcome.has_value();
  };
  while (!outcome.has_value()) {
    if (recording_) {
      mutex_.Await(absl::Condition(&settled));
    } else {
      RecordPending();
    }
  }
  return *std::move(outcome);
}

void EventLog::StopPublishing() {
  std::vector<std::function<void(uint64_t)>> dropped;  // destroyed after the lock
  absl::MutexLock lock(&mutex_);
  AwaitIdle();
  for (Pending& pending : pending_) dropped.push_back(std::exchange(pending.publish, nullptr));
}

void EventLog::AwaitIdle() const {
  mutex_.Await(absl::Condition(
      +[](const bool* recording) { return !*recording; }, &recording_));
}

// Those that nobody has published yet.
void EventLog::Publish(std::deque<Pending>& entries) {
  for (Pending& entry : entries) {
    if (auto publish = std::exchange(entry.publish, nullptr)) publish(entry.event->sequence);
  }
}

// Publishes all that is queued, while the store refuses it; releases the lock meanwhile.
void EventLog::PublishPending() {
  recording_ = true;
  std::deque<Pending> entries = std::exchange(pending_, {});
  const uint64_t last = appended_;
  mutex_.Unlock();
  Publish(entries);
  mutex_.Lock();
  recording_ = false;
  published_ = last;
  pending_.insert(pending_.begin(), std::make_move_iterator(entries.begin()),
                  std::make_move_iterator(entries.end()));
}

// Records all that is queued, shows it and tells of it; releases the lock meanwhile.
void EventLog::RecordPending() {
  recording_ = true;
  std::deque<Pending> entries = std::exchange(pending_, {});
  const uint64_t last = appended_;
  const uint64_t first_kept = FirstKeptLocked(last);
  const bool failed_before = !failure_.ok();
  const uint64_t shown = last_;
  const Meter meter = meter_;
  mutex_.Unlock();

  const absl::Status status = Store(entries, first_kept, meter);
  if (!status.ok() && !failed_before) {
    Warn(absl::StrCat("the event log cannot record, and tries again until it can: ",
                      std::string(status.message())));
  }
  if (status.ok() && failed_before) {
    Warn(absl::StrCat("the event log records again, also the ", last - shown,
                      " events that waited for it"));
  }
  Publish(entries);

  mutex_.Lock();
  recording_ = false;
  published_ = last;
  failure_ = status;
  for (const Pending& entry : entries) {
    if (entry.outcome != nullptr) *entry.outcome = status.ok() ? status : RefusalLocked();
  }
  if (!status.ok()) {
    std::erase_if(entries, [](const Pending& entry) { return entry.outcome != nullptr; });
    pending_.insert(pending_.begin(), std::make_move_iterator(entries.begin()),
                    std::make_move_iterator(entries.end()));
    return;
  }
  ShowLocked(entries, first_kept);
  const std::shared_ptr<const Listeners> listeners = listeners_;
  mutex_.Unlock();
  for (const auto& [id, listener] : *listeners) listener();
  mutex_.Lock();
}

absl::Status EventLog::Store(const std::deque<Pending>& entries, uint64_t first_kept,
                             const Meter& meter) {
  if (store_ == nullptr) return absl::OkStatus();
  EventStore::Batch batch;
  batch.first_kept = first_kept;
  for (const Pending& entry : entries) {
    if (entry.event != nullptr) {
      batch.events.push_back({entry.event->sequence, entry.event->time, entry.event->session_id,
                              entry.event->process_id, entry.body});
    }
    batch.changes.insert(batch.changes.end(), entry.changes.begin(), entry.changes.end());
  }
  const absl::Time began = absl::Now();
  const absl::Status status = store_->Write(batch);
  if (meter) meter(absl::Now() - began);
  return status;
}

// The first event to keep when `last` is the newest; 0 if none has to go. The newest is always
// kept: it says which number comes next. A store drops many at a time.
uint64_t EventLog::FirstKeptLocked(uint64_t last) {
  uint64_t first = std::min(first_of_age_, last);
  const size_t slack = store_ != nullptr ? options_.max_events / 64 : 0;
  if (last - first_ + 1 > options_.max_events + slack) {
    first = std::max(first, last - options_.max_events + 1);
  }
  if (store_ == nullptr && options_.max_age != absl::InfiniteDuration()) {
    const absl::Time oldest = age_clock_.Now() - options_.max_age;
    for (auto event = newest_.begin(); event != newest_.end() && (*event)->time < oldest; ++event) {
      first = std::max(first, (*event)->sequence + 1);
    }
  }
  return first > first_ ? first : 0;
}

void EventLog::ShowLocked(const std::deque<Pending>& entries, uint64_t first_kept) {
  for (const Pending& entry : entries) {
    if (entry.event == nullptr) continue;
    last_ = entry.event->sequence;
    newest_.push_back(entry.event);
  }
  first_ = std::max(first_, first_kept);
  while (!newest_.empty() &&
         (newest_.size() > most_in_memory_ || newest_.front()->sequence < first_)) {
    newest_.pop_front();
  }
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
      const auto wanted = [this] {
        mutex_.AssertReaderHeld();
        return ending_ || absl::IsUnavailable(failure_);
      };
      mutex_.AwaitWithTimeout(absl::Condition(&wanted), kUpkeepEvery);
      if (ending_) return;
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

absl::Status EventLog::RefusalLocked() const {
  if (failure_.ok()) return absl::OkStatus();
  return MakeError(failure_.code(), ErrorReason(failure_),
                   absl::StrCat("the event log cannot record: ", std::string(failure_.message())),
                   ErrorVariables(failure_));
}

absl::Status EventLog::CheckRoom() const {
  {
    absl::MutexLock lock(&mutex_);
    if (absl::Status refusal = RefusalLocked(); !refusal.ok()) return refusal;
  }
  return store_ != nullptr ? store_->CheckRoom() : absl::OkStatus();
}

// ---- Reading. -------------------------------------------------------------

EventLog::Range EventLog::range() const {
  absl::MutexLock lock(&mutex_);
  return {first_, last_};
}

absl::Status EventLog::CheckSequenceLocked(uint64_t sequence) const {
  const ErrorMetadata metadata = {{"log_id", log_id_},
                                  {"sequence", absl::StrCat(sequence)},
                                  {"first", absl::StrCat(first_)},
                                  {"last", absl::StrCat(last_)}};
  if (sequence > last_) {
    return MakeError(absl::StatusCode::kInvalidArgument, "POSITION_IN_FUTURE",
                     absl::StrCat("resume after event ", sequence, ": the last one is ", last_),
                     metadata);
  }
  if (sequence + 1 < first_) {
    return MakeError(
        absl::StatusCode::kOutOfRange, "EVENTS_EXPIRED",
        absl::StrCat("resume after event ", sequence, ": the first one kept is ", first_),
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
  {
    absl::MutexLock lock(&mutex_);
    const absl::Status status = CheckSequenceLocked(sequence);
    if (!status.ok()) return status;
    // No further than what is shown: the store may have more already.
    max = std::min<uint64_t>(max, last_ - sequence);
    if (max == 0) return std::vector<EventPtr>();
    if (!newest_.empty() && newest_.front()->sequence <= sequence + 1) {
      const auto begin = newest_.begin() + (sequence + 1 - newest_.front()->sequence);
      return std::vector<EventPtr>(begin, begin + max);
    }
  }
  return ReadStored(sequence, max);
}

// A first event that is missing was dropped since somebody looked: once that is shown, the
// reader hears that it is late. A hole is never passed over.
absl::StatusOr<std::vector<StoredEvent>> EventLog::ReadRows(uint64_t sequence, size_t max) const {
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto stored = store_->Read(sequence, max);
    if (!stored.ok()) return stored;
    if (!stored->empty() && stored->front().sequence == sequence + 1) return stored;
    absl::MutexLock lock(&mutex_);
    AwaitIdle();
    absl::Status status = CheckSequenceLocked(sequence);
    if (!status.ok()) return status;
  }
  return MakeError(absl::StatusCode::kDataLoss, "STORAGE_CORRUPT",
                   absl::StrCat("event ", sequence + 1, " is missing in the event log"));
}

absl::StatusOr<std::vector<EventLog::EventPtr>> EventLog::ReadStored(uint64_t sequence,
                                                                     size_t max) const {
  auto stored = ReadRows(sequence, max);
  if (!stored.ok()) return stored.status();
  std::vector<EventPtr> events;
  events.reserve(stored->size());
  for (StoredEvent& entry : *stored) {
    auto event = codec_.decode(entry.body);
    if (!event.ok()) return event.status();
    event->sequence = entry.sequence;
    event->time = entry.time;
    event->session_id = std::move(entry.session_id);
    event->process_id = std::move(entry.process_id);
    events.push_back(std::make_shared<const Event>(*std::move(event)));
  }
  return events;
}

void EventLog::SetMeter(Meter meter) {
  absl::MutexLock lock(&mutex_);
  meter_ = std::move(meter);
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
