#pragma once

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/chaos/repeated_starts.h"
#include "tests/chaos/shown.h"
#include "tests/chaos/state_server.h"

namespace proctor {

// A server from its start to its kill, with its clients: a subscriber, and workers that start
// processes all the time.
//
// Thread-safety: none. Order of calls: Subscribe, Repeat, Load, Kill; the middle two may be left
// out. Lifetime: `shown` and `repeated` outlive it.
class ServerLife {
 public:
  // The flags of a server that keeps all that happens in a run.
  static std::vector<std::string> Flags();

  ServerLife(const std::string& state_dir, unsigned seed, Shown* shown, RepeatedStarts* repeated);

  StateServer& server() { return server_; }

  // Goes on after the last event that the subscriber was shown.
  void Subscribe();
  // Repeats every start that the server before did not answer, or cancels it.
  void Repeat();
  // Begins about 50 starts a second.
  void Load();
  void Kill();

 private:
  void Work(unsigned seed);
  // Returns the session, or "" when the server was killed meanwhile.
  std::string OpenSession();
  grpc::Status StartWith(const RepeatedStarts::Start& start);
  void StartOnce(const std::string& session_id);
  void StartLost(const RepeatedStarts::Start& start);
  void CancelLost(const RepeatedStarts::Start& start);
  // Returns the process, or "" when the server was killed meanwhile: then nothing was shown.
  std::string Start(const std::string& session_id, const v1::ProcessSpec& spec);
  void StartAndWait(const std::string& session_id, const v1::ProcessSpec& spec);
  void Run(const std::string& session_id, const v1::ProcessSpec& spec);
  // Starts a process that runs until the kill, or until it is stopped before that.
  void StartLong(const std::string& session_id, bool stop);

  std::mt19937 random_;
  Shown* const shown_;
  RepeatedStarts* const repeated_;
  StateServer server_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> long_ones_ = 0;
  std::vector<std::thread> workers_;
  std::thread subscriber_;
};

}  // namespace proctor
