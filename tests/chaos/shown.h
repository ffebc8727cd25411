#pragma once

#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "proctor/v1/event.pb.h"
#include "proctor/v1/process.pb.h"

namespace proctor {

// Returns the one encoding that equal messages share.
std::string BytesOf(const google::protobuf::Message& message);

// All that clients and the subscriber were shown, by every server of a run.
//
// Thread-safety: all methods from any thread.
class Shown {
 public:
  void AddStart(const v1::Process& process) {
    std::lock_guard lock(mutex_);
    starts_.insert(process.process_id());
  }
  void AddExit(const std::string& process_id, const v1::ExitStatus& status) {
    std::lock_guard lock(mutex_);
    exits_[process_id] = BytesOf(status);
    ++recent_exits_;
    changed_.notify_all();
  }
  // The subscriber's next event.
  void AddEvent(const v1::Event& event) {
    std::lock_guard lock(mutex_);
    if (log_id_.empty()) log_id_ = event.log_id();
    EXPECT_EQ(event.log_id(), log_id_);
    EXPECT_EQ(event.sequence(), events_.size() + 1) << "a gap, or twice";
    events_.push_back(BytesOf(event));
    changed_.notify_all();
  }

  std::string log_id() {
    std::lock_guard lock(mutex_);
    return log_id_;
  }
  uint64_t position() {
    std::lock_guard lock(mutex_);
    return events_.size();
  }
  // Blocks until the subscriber was shown this event. Returns false after 30 s.
  bool AwaitEvent(uint64_t sequence) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30),
                             [&] { return events_.size() >= sequence; });
  }
  // Blocks until clients were told `count` exits since this call. Returns false after 30 s.
  bool AwaitExits(int count) {
    std::unique_lock lock(mutex_);
    recent_exits_ = 0;
    return changed_.wait_for(lock, std::chrono::seconds(30),
                             [&] { return recent_exits_ >= count; });
  }

  std::vector<std::string> events() {
    std::lock_guard lock(mutex_);
    return events_;
  }
  std::map<std::string, std::string> exits() {
    std::lock_guard lock(mutex_);
    return exits_;
  }
  std::set<std::string> starts() {
    std::lock_guard lock(mutex_);
    return starts_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string log_id_;
  std::vector<std::string> events_;           // by sequence, from 1 on
  std::map<std::string, std::string> exits_;  // by process
  std::set<std::string> starts_;
  int recent_exits_ = 0;
};

}  // namespace proctor
