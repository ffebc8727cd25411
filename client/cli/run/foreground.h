#pragma once

#include <optional>
#include <string>

#include "client/cli/command/invocation.h"
#include "client/cli/print/gap_report.h"
#include "client/cli/run/interactive_terminal.h"
#include "client/cli/run/signal_forwarder.h"
#include "proctor/client/process_stream.h"

namespace proctor::cli {

// Stays with one process stream on our own standard streams, and turns its outcome into an exit
// code. This is what run and attach share, and in part logs.
//
// Not thread-safe.

struct ForegroundOptions {
  // Carries our stdin to the process.
  bool feed_stdin = false;
  // With feed_stdin: our stdin is a terminal and the process has one, and the two become one.
  std::optional<InteractiveOptions> terminal;
  // What happens to the process when its stream is lost or given up, in words.
  std::string fate_when_lost;
};

// Sinks that write data to our stdout and stderr and report gaps, by `*gaps`, and held pipes. Every
// message but Output also goes, as a JSON line, to the invocation's place of messages, if it has
// one. Both outlive the result.
client::StreamSinks ForegroundSinks(Invocation& invocation, GapReport* gaps);

// Reports what does not add up in the byte counts; returns whether anything did not.
bool TellDiscrepancies(Invocation& invocation, const client::StreamOutcome& outcome);

// Receives `stream` to its end. Signals go to the process through `*forwarder`, unless it is null.
// Returns the exit code. It is the process's own only when its end is known and every byte of its
// output was written or reported missing. It is 124 when its timeout ended it, and success also
// when the user left a process that goes on.
int StayWith(Invocation& invocation, client::ProcessStream& stream, SignalForwarder* forwarder,
             const ForegroundOptions& options);

}  // namespace proctor::cli
