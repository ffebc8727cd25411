#pragma once

#include <string>

namespace proctor {

struct FanoutOptions {
  std::string target;   // the server
  int subscribers = 0;  // each with a connection of its own
  double rate = 0;      // events a second
  double seconds = 0;
  std::string program;  // a process to make events of: waits
};

// Makes events, and prints the time from each one's own stamp to each of the subscribers, without
// those of the first fifth, as a line of JSON.
void RunFanoutCell(const FanoutOptions& options);

// Makes events, as fast as it goes.
void MakeEvents(const std::string& target, int events, const std::string& program);

}  // namespace proctor
