#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "proctor/unique_fd.h"

namespace proctor {

// A program whose exec hangs in the kernel until Release: a lease on its file (fcntl(2),
// F_SETLEASE) makes the kernel wait for us, as a dead network disk makes it wait for ever.
class LeasedProgram {
 public:
  // A copy of `program` at `path`.
  LeasedProgram(const std::string& program, const std::string& path) : path_(path) {
    std::filesystem::copy_file(program, path);
    ::signal(SIGIO, SIG_IGN);  // the kernel's word that somebody waits
    file_.Reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    // A sibling of this test may have the file open for a moment, from before its own exec.
    while (::fcntl(file_.get(), F_SETLEASE, F_WRLCK) != 0 && errno == EAGAIN) {
    }
    EXPECT_EQ(::fcntl(file_.get(), F_GETLEASE), F_WRLCK) << path;
  }

  const std::string& path() const { return path_; }
  // Whether somebody waits for it.
  bool awaited() const { return ::fcntl(file_.get(), F_GETLEASE) != F_WRLCK; }
  void Release() { ::fcntl(file_.get(), F_SETLEASE, F_UNLCK); }

 private:
  const std::string path_;
  UniqueFd file_;
};

// The children of a process, from /proc.
inline std::set<pid_t> ChildrenOf(const std::string& process) {
  std::set<pid_t> children;
  std::error_code gone;
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + process + "/task", gone)) {
    std::ifstream file(task.path() / "children");
    for (pid_t pid; file >> pid;) children.insert(pid);
  }
  return children;
}

}  // namespace proctor
