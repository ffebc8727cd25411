// event_cell: one cell of the benchmark of events, against a server that runs. Prints a line of
// JSON.
//
// usage: event_cell exit TARGET SOURCE CHILDREN SAMPLES RATE SEED LIMIT_SECONDS PROGRAM
//        event_cell fanout TARGET SUBSCRIBERS RATE SECONDS PROGRAM
//        event_cell load TARGET EVENTS PROGRAM
//
// exit: kills children by kill(2), and takes the time until a subscriber has the event. SOURCE is
// grpc, or HOST:PORT/TOKEN for Server-Sent Events. RATE 0 kills the next one when the one before
// was told, and the server is idle in between; else so many are killed a second, and started
// again meanwhile. fanout: the time from the event's own stamp to each of many subscribers.
// load: makes events, as fast as it goes.

#include <stdio.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/time/time.h"
#include "tests/benchmark/event_client.h"
#include "tests/benchmark/event_exit_cell.h"
#include "tests/benchmark/event_fanout_cell.h"

namespace proctor {
namespace {

int Main(const std::vector<std::string>& words) {
  const auto number = [&words](size_t index) {
    double value = 0;
    if (!absl::SimpleAtod(words[index], &value)) Die("'" + words[index] + "' is no number");
    return value;
  };
  const std::string kind = words.empty() ? "" : words[0];
  if (kind == "exit" && words.size() == 9) {
    RunExitCell({.target = words[1],
                 .source = words[2],
                 .children = static_cast<int>(number(3)),
                 .samples = static_cast<size_t>(number(4)),
                 .rate = number(5),
                 .seed = static_cast<unsigned>(number(6)),
                 .limit = absl::Seconds(number(7)),
                 .program = words[8]});
  } else if (kind == "fanout" && words.size() == 6) {
    RunFanoutCell({.target = words[1],
                   .subscribers = static_cast<int>(number(2)),
                   .rate = number(3),
                   .seconds = number(4),
                   .program = words[5]});
  } else if (kind == "load" && words.size() == 4) {
    MakeEvents(words[1], static_cast<int>(number(2)), words[3]);
    ::printf("{}\n");
  } else {
    Die("usage: event_cell exit|fanout|load ...: see the top of event_cell.cc");
  }
  ::fflush(stdout);
  ::_exit(0);  // some threads still wait
}

}  // namespace
}  // namespace proctor

int main(int argc, char** argv) {
  return proctor::Main(std::vector<std::string>(argv + 1, argv + argc));
}
