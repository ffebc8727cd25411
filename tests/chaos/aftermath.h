#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/chaos/shown.h"
#include "tests/chaos/state_server.h"

namespace proctor {

// What the next server says after a kill. Remembers each answer: a later server has to give the
// same one.
//
// Thread-safety: none. Lifetime: `shown` outlives it.
class Aftermath {
 public:
  explicit Aftermath(Shown* shown) : shown_(shown) {}

  // Expects all that was shown, unchanged and in a dense log, and all that was under way to have
  // ended. Comes before the server does anything new.
  void Expect(StateServer& server);

  // Of the last listing: processes, and those lost with a server.
  size_t spawns() const { return spawns_; }
  size_t lost() const { return lost_; }

 private:
  // What the events say of one process.
  struct Story {
    int started = 0;
    std::vector<std::string> exits;  // the statuses
    bool lost = false;
    int drained = 0;
  };
  using Stories = std::map<std::string, Story>;  // by process

  static void Tell(const v1::Event& event, Stories& stories);
  // Each process has started, ended and been drained once.
  void ExpectStories(const Stories& stories);
  // Each session was closed once, after all that happened in it.
  static void ExpectSessions(const std::vector<v1::Event>& events);
  // Each process says the same as its events, and the same as it said before.
  void ExpectProcesses(StateServer& server, const Stories& stories);

  Shown* const shown_;
  std::vector<std::string> listed_;          // events, of the listing before
  std::map<std::string, std::string> kept_;  // processes, of the listing before
  size_t lost_ = 0;
  size_t spawns_ = 0;
};

}  // namespace proctor
