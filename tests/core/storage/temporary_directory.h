#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "core/storage/log_witness.h"

namespace proctor {

// An empty directory of a test's own, which goes with it.
//
// Thread-safety: path() and File() from any thread.
class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(const std::string& parent = "/tmp")
      : path_(parent + "/proctor-event-XXXXXX") {
    EXPECT_NE(::mkdtemp(path_.data()), nullptr) << path_;
  }
  ~TemporaryDirectory() {
    std::error_code failed;
    std::filesystem::remove_all(path_, failed);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

  // Takes over the event log of another directory as a SIGKILL of its server would leave it:
  // what the kernel has of it, at this moment. Nobody may write meanwhile.
  // Only the witness is told that the copy is the original.
  void TakeOver(const std::string& other) const {
    for (const char* name : {"events.db", "events.db-wal"}) {
      const std::string from = other + "/" + name;
      if (!std::filesystem::exists(from)) continue;
      std::filesystem::copy_file(from, File(name),
                                 std::filesystem::copy_options::overwrite_existing);
    }
    const auto witness = LogWitness::Open(other + "/witness");
    auto record = witness->Read();
    ASSERT_TRUE(record.ok()) << record.status();
    const auto copy = FileIdentity::Of(File("events.db"));
    ASSERT_TRUE(copy.ok()) << copy.status();
    record->database = *copy;
    EXPECT_TRUE(LogWitness::Open(File("witness"))->Write(*record).ok());
  }

 private:
  std::string path_;
};

}  // namespace proctor
