#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

#include "proctor/v1/process.pb.h"
#include "tests/chaos/strangers.h"

namespace proctor {

// What is known of one process. The call that started it or the event of its exit makes the record:
// either may come first.
struct Record {
  std::string id;
  bool started = false;
  pid_t pid = 0;
  int code = 0;  // its exit code when no signal ends it
  bool has_daemon = false;
  uint64_t sent = 0;  // signals, by number
  int told = 0;       // exits
  v1::ExitStatus status;
};

// The processes of a run and their exits.
//
// Thread-safety: all methods from any thread; the fields of a record from its worker.
class ExitRecords {
 public:
  explicit ExitRecords(Strangers* strangers) : strangers_(strangers) {}

  Record* AddStarted(const v1::Process& process, int code, bool has_daemon) {
    std::lock_guard lock(mutex_);
    Record& record = records_[process.process_id()];
    record.id = process.process_id();
    record.started = true;
    record.pid = process.pid();
    record.code = code;
    record.has_daemon = has_daemon;
    if (record.told > 0) strangers_->GiveUp(record.pid);
    return &record;
  }

  void AddExit(const std::string& id, const v1::ExitStatus& status) {
    std::lock_guard lock(mutex_);
    Record& record = records_[id];
    ++record.told;
    record.status = status;
    ++exits_;
    if (record.started) strangers_->GiveUp(record.pid);
  }

  bool Ended(const Record& record) {
    std::lock_guard lock(mutex_);
    return record.told > 0;
  }

  long exits() {
    std::lock_guard lock(mutex_);
    return exits_;
  }

  // Expects one exit of each process, with a status that it can have.
  void ExpectAllRight(long processes) {
    std::lock_guard lock(mutex_);
    EXPECT_EQ(records_.size(), static_cast<size_t>(processes));
    int wrong = 0;
    for (const auto& [id, record] : records_) {
      const v1::ExitStatus& status = record.status;
      const bool by_code = status.has_exit_code() && status.exit_code() == record.code;
      const bool by_signal = status.has_signal() && (record.sent >> status.signal() & 1) != 0;
      if (record.started && record.told == 1 && (by_code || by_signal) &&
          status.source() == v1::STATUS_SOURCE_WAITED) {
        continue;
      }
      if (++wrong > 10) continue;
      ADD_FAILURE() << "process " << id << " was told " << record.told << " times, code "
                    << record.code << " expected: " << status.ShortDebugString();
    }
    EXPECT_EQ(wrong, 0);
  }

 private:
  Strangers* const strangers_;  // learn each pid that is given up
  std::mutex mutex_;
  std::unordered_map<std::string, Record> records_;  // addresses are stable
  long exits_ = 0;
};

}  // namespace proctor
