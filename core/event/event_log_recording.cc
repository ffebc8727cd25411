// How an event log is written: events are queued, recorded, published and shown, in this order.
//
// An append takes 18 µs with SQLite where no other thread records. Two switches of threads, which a
// thread for the writing would cost, take 60 µs and more, and every reader of an exit waits for its
// append.
//
// A disk that hangs holds up the thread that is in the store, and only this one, unless there is a
// recorder. To have another thread record each event would cost those switches for what a page
// cache hardly ever does. A server that ends before the store takes an event again loses it, a
// start or an exit, and warns of how many.
#include <pthread.h>

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/return_if_error.h"
#include "core/base/warning.h"
#include "core/event/event_log.h"
#include "proctor/error.h"

namespace proctor {

absl::Status EventLog::CheckRoom() const {
  {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(RefusalLocked());
  }
  return store_ != nullptr ? store_->CheckRoom() : absl::OkStatus();
}

absl::Status EventLog::RefusalLocked() const {
  if (failure_.ok()) return absl::OkStatus();
  return MakeError(failure_.code(), ReasonOf(failure_),
                   absl::StrCat("the event log cannot record: ", std::string(failure_.message())),
                   ErrorVariables(failure_));
}

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
  // Also when another thread is recording again by now: this does not wait for that.
  const auto known = [this, sequence] {
    mutex_.AssertReaderHeld();
    return last_ >= sequence || (!failure_.ok() && published_ >= sequence);
  };
  const auto settled = [this, &known] {
    mutex_.AssertReaderHeld();
    return known() || !failure_.ok() || MayRecordLocked();
  };
  while (!known()) {
    if (!failure_.ok()) {
      Publish(appended_);
    } else if (MayRecordLocked()) {
      RecordPending();
    } else {
      AwaitRecording(absl::Condition(&settled));
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
  RETURN_IF_ERROR(RefusalLocked());
  pending_.push_back(std::move(pending));
  const auto settled = [this, &outcome] {
    mutex_.AssertReaderHeld();
    return outcome.has_value() || !failure_.ok() || MayRecordLocked();
  };
  while (!outcome.has_value()) {
    if (!failure_.ok()) {
      TakeBack(&outcome);
      return RefusalLocked();
    }
    if (MayRecordLocked()) {
      RecordPending();
    } else {
      AwaitRecording(absl::Condition(&settled));
    }
  }
  return *std::move(outcome);
}

// Of Record, which does not wait any longer.
void EventLog::TakeBack(std::optional<absl::Status>* outcome) {
  const auto is_it = [outcome](const Pending& entry) { return entry.outcome == outcome; };
  std::erase_if(pending_, is_it);
  const auto found = std::find_if(in_hand_.begin(), in_hand_.end(), is_it);
  if (found == in_hand_.end()) return;
  found->outcome = nullptr;
  Pending removal;
  removal.changes = found->changes;
  for (StateChange& change : removal.changes) {
    change.body.clear();
    change.removed = true;
  }
  pending_.push_back(std::move(removal));
}

void EventLog::StopPublishing() {
  std::vector<std::function<void(uint64_t)>> dropped;  // destroyed after the lock
  absl::MutexLock lock(&mutex_);
  AwaitPublished();
  for (auto* entries : {&in_hand_, &pending_}) {
    for (Pending& entry : *entries) dropped.push_back(std::exchange(entry.publish, nullptr));
  }
}

void EventLog::AwaitIdle() const {
  mutex_.Await(absl::Condition(
      +[](const bool* recording) { return !*recording; }, &recording_));
}

void EventLog::AwaitPublished() const {
  mutex_.Await(absl::Condition(
      +[](const bool* publishing) { return !*publishing; }, &publishing_));
}

// Whether a thread that waits for a recording may do it itself.
bool EventLog::MayRecordLocked() const { return !recording_ && !recorder_.joinable(); }

// Waits for the recording thread. If it takes too long, the store counts as refusing.
void EventLog::AwaitRecording(const absl::Condition& settled) {
  asked_ = true;
  if (mutex_.AwaitWithTimeout(settled, options_.patience) || !failure_.ok()) return;
  failure_ = MakeError(
      absl::StatusCode::kUnavailable, Reason::kStorageBusy,
      absl::StrCat("the disk has not answered for ", absl::FormatDuration(options_.patience)));
  const std::string message(failure_.message());
  mutex_.Unlock();
  Warn(absl::StrCat("the event log waits, and records when it can: ", message));
  mutex_.Lock();
}

// Publishes the events up to this one, in their order, unless that is done; releases the lock
// meanwhile. Others may be in the store with them.
void EventLog::Publish(uint64_t last) {
  AwaitPublished();
  if (published_ >= last) return;
  publishing_ = true;
  absl::InlinedVector<std::pair<uint64_t, std::function<void(uint64_t)>>, 2> due;
  for (auto* entries : {&in_hand_, &pending_}) {
    for (Pending& entry : *entries) {
      if (entry.publish == nullptr || entry.event->sequence > last) continue;
      due.emplace_back(entry.event->sequence, std::exchange(entry.publish, nullptr));
    }
  }
  mutex_.Unlock();
  for (const auto& [sequence, publish] : due) publish(sequence);
  due.clear();
  mutex_.Lock();
  publishing_ = false;
  published_ = last;
}

// Records all that is queued, shows it and tells of the events; releases the lock meanwhile.
void EventLog::RecordPending() {
  recording_ = true;
  asked_ = false;
  in_hand_.swap(pending_);
  const uint64_t last = appended_;
  const uint64_t first_kept = FirstKeptLocked(last);
  const uint64_t shown = last_;
  Meter& meter = *meter_;
  mutex_.Unlock();
  const absl::Status status = StoreInHand(first_kept, meter);
  mutex_.Lock();

  // What went on without a record may have gone on meanwhile.
  if (status.ok() == !failure_.ok()) {
    mutex_.Unlock();
    Warn(status.ok()
             ? absl::StrCat("the event log records again, with what waited for it: ", last - shown,
                            " events")
             : absl::StrCat("the event log cannot record, and tries again until it can: ",
                            std::string(status.message())));
    mutex_.Lock();
  }
  Publish(last);
  recording_ = false;
  failure_ = status;
  for (const Pending& entry : in_hand_) {
    if (entry.outcome != nullptr) *entry.outcome = status.ok() ? status : RefusalLocked();
  }
  if (!status.ok()) {
    std::erase_if(in_hand_, [](const Pending& entry) { return entry.outcome != nullptr; });
    pending_.insert(pending_.begin(), std::make_move_iterator(in_hand_.begin()),
                    std::make_move_iterator(in_hand_.end()));
    in_hand_.clear();
    return;
  }
  ShowLocked(in_hand_, first_kept);
  in_hand_.clear();
  if (last_ == shown && first_kept == 0) return;  // mere changes: no reader has anything new
  const std::shared_ptr<const Listeners> listeners = listeners_;
  mutex_.Unlock();
  for (const auto& [id, listener] : *listeners) listener();
  mutex_.Lock();
}

// The recorder's thread. Append waits for it, until it hangs in the store for too long.
void EventLog::RecordWhenAsked() {
  pthread_setname_np(pthread_self(), "event-recorder");
  const auto wanted = [this] {
    mutex_.AssertReaderHeld();
    return ending_ || (asked_ && !recording_);
  };
  absl::MutexLock lock(&mutex_);
  for (;;) {
    mutex_.Await(absl::Condition(&wanted));
    if (ending_) return;
    RecordPending();
  }
}

absl::Status EventLog::StoreInHand(uint64_t first_kept, Meter& meter) {
  if (store_ == nullptr) return absl::OkStatus();
  EventStore::Batch batch;
  batch.first_kept = first_kept;
  for (const Pending& entry : in_hand_) {
    if (entry.event != nullptr) {
      batch.events.push_back({entry.event->sequence, entry.event->time, entry.event->session_id,
                              entry.event->process_id, entry.body});
    }
    batch.changes.insert(batch.changes.end(), entry.changes.begin(), entry.changes.end());
  }
  const absl::Time began = absl::Now();
  const absl::Status status = store_->Write(batch);
  meter.ObserveCommit(absl::Now() - began);
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

}  // namespace proctor
