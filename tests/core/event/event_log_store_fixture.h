#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "core/event/event_log.h"
#include "proctor/error.h"
#include "tests/core/event/fake_event_store.h"
#include "tests/core/storage/noted_warnings.h"

namespace proctor {

inline const absl::Status kFull =
    MakeError(absl::StatusCode::kResourceExhausted, Reason::kStorageFull, "no room", {{"a", "b"}});

// An event log on a fake store.
class EventLogStoreTest : public testing::Test {
 protected:
  void Open(const EventLog::Options& options = {}) {
    auto store = std::make_unique<FakeEventStore>();
    store_ = store.get();
    log_ = *EventLog::Open(options, std::move(store), TextCodec());
    log_->AddListener([this] {
      absl::MutexLock lock(&mutex_);
      ++told_;
    });
  }

  // Blocks until `reached` is true of the events that are shown, asked whenever listeners are told.
  void Await(const std::function<bool()>& reached) {
    int seen = -1;
    while (!reached()) {
      absl::MutexLock lock(&mutex_);
      const auto told = [this, seen] { return told_ != seen; };
      mutex_.Await(absl::Condition(&told));
      seen = told_;
    }
  }

  std::vector<std::string> Reasons() {
    std::vector<std::string> reasons;
    const auto events = log_->ReadAfter(log_->range().first - 1, 100000);
    EXPECT_TRUE(events.ok()) << events.status();
    if (!events.ok()) return reasons;
    for (const auto& event : *events) reasons.push_back(TextOf(*event));
    return reasons;
  }

  absl::Mutex mutex_;
  int told_ = 0;
  NotedWarnings warnings_;
  FakeEventStore* store_ = nullptr;
  std::unique_ptr<EventLog> log_;
};

}  // namespace proctor
