#include "client/cli/run/foreground.h"

#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/output/json.h"
#include "client/cli/print/lost_process.h"
#include "client/cli/run/stdin_pump.h"
#include "client/cli/text/short_id.h"
#include "proctor/client/error.h"

namespace proctor::cli {
namespace {

void TellDrained(const Console& console, const v1::OutputDrained& drained) {
  if (drained.reason() == v1::DRAIN_REASON_SERVER_LOST) {
    return console.Say("the server that read its output was lost, and with it what is not shown");
  }
  if (drained.reason() != v1::DRAIN_REASON_GRACE_EXPIRED) return;
  std::string holders;
  for (const v1::PipeHolder& holder : drained.holders()) {
    absl::StrAppend(&holders, holders.empty() ? "" : ", ", holder.command(), " (pid ", holder.pid(),
                    ")");
  }
  console.Say(absl::StrCat("the process ended, but ",
                           holders.empty() ? std::string("somebody") : holders,
                           " still holds its output; what is written from now on is not seen"));
}

// Returns why a process ended when neither it nor a signal of ours was the cause; else empty.
std::string CauseText(v1::ExitCause cause) {
  switch (cause) {
    case v1::EXIT_CAUSE_RUN_TIMEOUT:
      return "its run timeout passed";
    case v1::EXIT_CAUSE_IDLE_TIMEOUT:
      return "its idle timeout passed";
    case v1::EXIT_CAUSE_OOM_KILLED:
      return "the kernel killed it for its use of memory";
    case v1::EXIT_CAUSE_LEASE_EXPIRED:
      return "the lease of its session ran out";
    case v1::EXIT_CAUSE_SESSION_CLOSED:
      return "its session was closed";
    case v1::EXIT_CAUSE_SERVER_SHUTDOWN:
      return "the server shut down";
    case v1::EXIT_CAUSE_DISCONNECTED:
      return "the stream that ran it was lost";
    default:
      return "";
  }
}

std::string WhyText(const client::StreamOutcome& outcome) {
  if (outcome.error.ok()) return "the server ended the stream";
  return absl::StrCat(client::ErrorText(outcome.error), HintFor(outcome.error));
}

// The exit code where the user, or the loss of our terminal, ended the stream.
std::optional<int> LeaveCode(Invocation& invocation, InteractiveTerminal::End end,
                             const client::StreamOutcome& outcome,
                             const ForegroundOptions& options) {
  // The process was faster.
  if (outcome.drained.has_value() || !outcome.process.has_value()) return std::nullopt;
  const Console& console = invocation.console();
  const std::string& id = outcome.process->process_id();
  switch (end) {
    case InteractiveTerminal::End::kByStream:
      return std::nullopt;
    case InteractiveTerminal::End::kDetached:
      if (!outcome.error.ok()) {
        return console.Fail(absl::StrCat(
            "lost the stream of process ", id, " before the server let go of it: ",
            WhyText(outcome), "; if our request did not arrive: ", options.fate_when_lost));
      }
      console.Say(absl::StrCat("detached from process ", id, "; attach again with 'proctor attach ",
                               "-it ", id.substr(0, kShortId), "'"));
      return kExitSuccess;
    case InteractiveTerminal::End::kDetachUnconfirmed:
      return console.Fail(
          absl::StrCat("the server did not answer that it lets go of process ", id,
                       "; if our request did not arrive: ", options.fate_when_lost));
    case InteractiveTerminal::End::kDisconnected:
      return console.Fail(
          absl::StrCat("disconnected from process ", id, ": ", options.fate_when_lost));
    case InteractiveTerminal::End::kHungUp:
      return console.Fail(absl::StrCat("our terminal is gone, and with it the stream of process ",
                                       id, ": ", options.fate_when_lost));
  }
  return std::nullopt;
}

int OutcomeCode(Invocation& invocation, const client::StreamOutcome& outcome,
                const ForegroundOptions& options) {
  const Console& console = invocation.console();
  // Our own stdout or stderr failed; Conclude reports that.
  if (outcome.stopped_by_sink) return kExitFailure;
  const std::string why = WhyText(outcome);
  if (!outcome.process.has_value()) {
    if (!outcome.error.ok()) return invocation.Refuse(outcome.error);
    return console.Fail("the stream ended before the process was heard of");
  }
  const std::string id = outcome.process->process_id();
  if (!outcome.exit_status.has_value()) {
    return console.Fail(absl::StrCat("lost the stream of process ", id,
                                     " before its end, so how it ends is unknown: ", why, "; ",
                                     options.fate_when_lost),
                        Colour::kYellow);
  }
  if (!outcome.error.ok() || !outcome.drained.has_value()) {
    const std::string& unknown = outcome.exit_status->unknown().reason();
    return console.Fail(absl::StrCat("process ", id, " ended (", ExitText(*outcome.exit_status),
                                     unknown.empty() ? "" : ": ", unknown,
                                     "), but its output is incomplete: ", why));
  }
  if (TellDiscrepancies(invocation, outcome)) return kExitFailure;
  if (outcome.exit_status->status_case() != v1::ExitStatus::kExitCode &&
      outcome.exit_status->status_case() != v1::ExitStatus::kSignal) {
    v1::Process ended = *outcome.process;
    *ended.mutable_exit_status() = *outcome.exit_status;
    const std::string reason = UnknownEndText(ended);
    return console.Fail(
        absl::StrCat("how process ", id, " ended is unknown", reason.empty() ? "" : ": ", reason),
        Colour::kYellow);
  }
  const std::string crash = CrashText(*outcome.exit_status);
  if (!crash.empty()) console.Say(absl::StrCat("process ", id, " ", crash), Colour::kRed);
  const std::string cause = CauseText(outcome.exit_status->cause());
  if (TimedOut(*outcome.exit_status)) {
    // By any exit code, even 0: it was not done in its time.
    console.Say(absl::StrCat("process ", id, " was ended: ", cause, " (it ended with ",
                             ExitText(*outcome.exit_status), ")"),
                Colour::kRed);
    return kExitTimedOut;
  }
  if (!cause.empty()) {
    console.Say(absl::StrCat("process ", id, " was ended: ", cause), Colour::kRed);
  }
  return ExitCodeOf(*outcome.exit_status);
}

// StayWith, where our terminal and that of the process are one.
int StayOnTerminal(Invocation& invocation, client::ProcessStream& stream,
                   const ForegroundOptions& options) {
  InteractiveTerminal terminal(&stream, &invocation.out(), *options.terminal);
  absl::Status started;
  GapReport gaps([&invocation](const std::string& text) { invocation.console().Say(text); });
  client::StreamSinks sinks = ForegroundSinks(invocation, &gaps);
  sinks.on_stdout = [&terminal](std::string_view data) { return terminal.Show(data); };
  sinks.on_message = [&, say = sinks.on_message](const v1::StreamMessage& message) {
    // Until then our terminal is as it was: it shows the error of a refused start.
    if (message.has_started()) started = terminal.Start();
    return started.ok() && say(message);
  };
  const client::StreamOutcome outcome = stream.Receive(sinks);
  gaps.Finish();
  // A program that ended by itself has left the terminal as it wanted.
  terminal.Stop(/*undo=*/!outcome.drained.has_value());
  if (!started.ok()) return invocation.console().Fail(std::string(started.message()));
  const std::optional<int> left = LeaveCode(invocation, terminal.end(), outcome, options);
  return left.has_value() ? *left : OutcomeCode(invocation, outcome, options);
}

}  // namespace

client::StreamSinks ForegroundSinks(Invocation& invocation, GapReport* gaps) {
  client::StreamSinks sinks;
  sinks.on_stdout = [&invocation](std::string_view data) { return invocation.out().Write(data); };
  sinks.on_stderr = [&invocation](std::string_view data) { return invocation.err().Write(data); };
  sinks.on_message = [&invocation, gaps](const v1::StreamMessage& message) {
    gaps->OnMessage(message);
    if (message.has_output()) return true;
    OutFile* const messages = invocation.messages();
    if (messages != nullptr && !messages->Write(JsonLine(message))) return false;
    if (message.has_output_drained()) TellDrained(invocation.console(), message.output_drained());
    return true;
  };
  return sinks;
}

bool TellDiscrepancies(Invocation& invocation, const client::StreamOutcome& outcome) {
  for (const std::string& discrepancy : outcome.discrepancies) {
    invocation.console().Say(
        absl::StrCat("the output is not what the process wrote: ", discrepancy));
  }
  return !outcome.discrepancies.empty();
}

int StayWith(Invocation& invocation, client::ProcessStream& stream, SignalForwarder* forwarder,
             const ForegroundOptions& options) {
  if (forwarder != nullptr) {
    forwarder->Start(&stream, &invocation.console(),
                     absl::StrCat("given up after three interrupts; ", options.fate_when_lost));
  }
  if (options.terminal.has_value()) return StayOnTerminal(invocation, stream, options);
  std::optional<StdinPump> pump;
  if (options.feed_stdin) pump.emplace(&stream, &invocation.console());
  GapReport gaps([&invocation](const std::string& text) { invocation.console().Say(text); });
  const client::StreamOutcome outcome = stream.Receive(ForegroundSinks(invocation, &gaps));
  gaps.Finish();
  const bool input_failed = pump.has_value() && pump->failed();
  pump.reset();
  if (input_failed) return kExitFailure;
  return OutcomeCode(invocation, outcome, options);
}

}  // namespace proctor::cli
