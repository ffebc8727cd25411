#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

namespace proctor {

// Holds a process, also as a zombie, for as long as this stands: it does not even end of
// SIGKILL, as with a debugger or on a dead disk.
class Debugger {
 public:
  explicit Debugger(pid_t pid) {
    int seized[2];
    EXPECT_EQ(::pipe2(seized, O_CLOEXEC), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      const char ok = ::ptrace(PTRACE_SEIZE, pid, 0, 0) == 0 ? 'y' : 'n';
      (void)!::write(seized[1], &ok, 1);
      while (true) ::pause();
    }
    char ok = 'n';
    EXPECT_EQ(::read(seized[0], &ok, 1), 1);
    EXPECT_EQ(ok, 'y') << "not allowed to trace " << pid;
    ::close(seized[0]);
    ::close(seized[1]);
  }
  ~Debugger() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Debugger(const Debugger&) = delete;
  Debugger& operator=(const Debugger&) = delete;

 private:
  pid_t pid_;
};

}  // namespace proctor
