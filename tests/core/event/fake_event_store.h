#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "core/event/event_codec.h"
#include "core/event/event_store.h"
#include "proctor/error.h"

namespace proctor {

// A store in memory that refuses when it is told to, and can be held in the middle of a Write.
//
// Thread-safety: all methods from any thread.
class FakeEventStore final : public EventStore {
 public:
  // Write refuses so from now on; an OK status ends that.
  void Refuse(absl::Status refusal) {
    absl::MutexLock lock(&mutex_);
    refusal_ = std::move(refusal);
  }

  // Write waits from now on, until it is released.
  void Hold() {
    absl::MutexLock lock(&mutex_);
    held_ = true;
  }
  void Release() {
    absl::MutexLock lock(&mutex_);
    held_ = false;
  }
  // Blocks until somebody is held.
  void AwaitHeld() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(
        +[](FakeEventStore* store) { return store->waiting_; }, this));
  }

  // Blocks until it was asked so often which events are too old.
  void AwaitAgeLooks(int number) {
    absl::MutexLock lock(&mutex_);
    const auto reached = [&] { return age_looks_ >= number; };
    mutex_.Await(absl::Condition(&reached));
  }

  // The batches that were kept, and those that were refused.
  std::vector<Batch> batches() const {
    absl::MutexLock lock(&mutex_);
    return batches_;
  }
  size_t refused() const {
    absl::MutexLock lock(&mutex_);
    return refused_;
  }
  // Whether two were ever in Write at once.
  bool crowded() const {
    absl::MutexLock lock(&mutex_);
    return crowded_;
  }

  bool machine_booted() const override { return false; }
  const std::string& log_id() const override { return log_id_; }

  absl::StatusOr<Range> FindRange() override {
    absl::MutexLock lock(&mutex_);
    if (events_.empty()) return Range{};
    return Range{events_.front().sequence, events_.back().sequence};
  }

  absl::Status Write(const Batch& batch) override {
    absl::MutexLock lock(&mutex_);
    crowded_ = crowded_ || writing_;
    writing_ = true;
    waiting_ = held_;
    mutex_.Await(absl::Condition(
        +[](FakeEventStore* store) { return !store->held_; }, this));
    waiting_ = writing_ = false;
    if (!refusal_.ok()) {
      ++refused_;
      return refusal_;
    }
    batches_.push_back(batch);
    events_.insert(events_.end(), batch.events.begin(), batch.events.end());
    std::erase_if(events_,
                  [&](const StoredEvent& event) { return event.sequence < batch.first_kept; });
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<StoredEvent>> Read(uint64_t sequence, size_t max) override {
    absl::MutexLock lock(&mutex_);
    std::vector<StoredEvent> found;
    for (const StoredEvent& event : events_) {
      if (event.sequence > sequence && found.size() < max) found.push_back(event);
    }
    return found;
  }

  absl::StatusOr<std::vector<StateChange>> ReadState(StateKind) override {
    return std::vector<StateChange>();
  }

  absl::StatusOr<uint64_t> FirstSince(absl::Time time) override {
    absl::MutexLock lock(&mutex_);
    ++age_looks_;
    for (const StoredEvent& event : events_) {
      if (event.time >= time) return event.sequence;
    }
    return events_.empty() ? 1 : events_.back().sequence + 1;
  }

  absl::Status CheckRoom() const override { return absl::OkStatus(); }
  void Upkeep() override {}
  bool NeedsQuietUpkeep() const override { return false; }
  void QuietUpkeep() override {}
  uint64_t Bytes() const override { return 0; }

 private:
  const std::string log_id_ = "fake";
  mutable absl::Mutex mutex_;
  absl::Status refusal_;
  bool held_ = false;
  bool waiting_ = false;
  bool writing_ = false;
  bool crowded_ = false;
  size_t refused_ = 0;
  int age_looks_ = 0;
  std::vector<Batch> batches_;
  std::vector<StoredEvent> events_;
};

// An event of some kind that has a text, which is its process too.
inline Event Noted(const std::string& text) {
  return {.process_id = text, .detail = WatcherChanged{.from = "", .to = text}};
}
inline std::string TextOf(const Event& event) { return std::get<WatcherChanged>(event.detail).to; }

// Keeps the text of such an event, and nothing else.
inline EventCodec TextCodec() {
  return {TextOf,
          [](std::string_view body) -> absl::StatusOr<Event> { return Noted(std::string(body)); }};
}

}  // namespace proctor
