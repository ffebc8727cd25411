#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

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
  void TakeOver(const std::string& other) const {
    for (const char* name : {"events.db", "events.db-wal"}) {
      const std::string from = other + "/" + name;
      if (!std::filesystem::exists(from)) continue;
      std::filesystem::copy_file(from, File(name),
                                 std::filesystem::copy_options::overwrite_existing);
    }
  }

 private:
  std::string path_;
};

}  // namespace proctor
