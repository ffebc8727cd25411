#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace proctor {

// Processes that no server has started, some with a child. Each leads a session and a process group
// of its own, lives for some milliseconds, and notes every signal that it gets. New ones replace
// them all the time, so that they get the pids of processes that have ended.
//
// A keeper process starts and reaps them. It notes those that a signal ended or stopped.
//
// Thread-safety: all methods from any thread.
// Lifetime: made before the first thread, since it forks. The destructor ends all of them.
class Strangers {
 public:
  Strangers();
  ~Strangers();
  Strangers(const Strangers&) = delete;
  Strangers& operator=(const Strangers&) = delete;

  // Notes that a process of the server had this pid and has ended.
  void GiveUp(pid_t pid);

  // Returns whether a stranger has this pid now.
  bool Has(pid_t pid) const;

  // Counts of the strangers so far, of those with a pid that was given up, and of the signals that
  // came to a stranger. The text describes the first such signal.
  uint64_t count() const;
  uint64_t reused() const;
  uint64_t hits() const;
  std::string first_hit() const;

 private:
  static constexpr size_t kPids = 1 << 22;
  static constexpr size_t kTextBytes = 200;

  // Memory that all of them share.
  struct Shared {
    std::atomic<bool> stop;
    std::atomic<uint64_t> count;
    std::atomic<uint64_t> reused;
    std::atomic<uint64_t> hits;
    char first_hit[kTextBytes];
    std::atomic<uint8_t> present[kPids];
    std::atomic<uint8_t> given_up[kPids];
  };

  [[noreturn]] void Keep();
  [[noreturn]] void BeStranger(uint64_t number);
  void AwaitSignals(long microseconds);
  void Note(const char* what, pid_t pid, int signal, int sender);
  void NoteStatus(pid_t pid, int status);

  Shared* const shared_;
  pid_t keeper_ = 0;
};

}  // namespace proctor
