// logs: what a process wrote.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "client/cli/exit_code.h"
#include "client/cli/flag_value.h"
#include "client/cli/foreground.h"
#include "client/cli/id_prefix.h"
#include "client/cli/invocation.h"
#include "client/cli/json.h"
#include "client/cli/reconnect_flag.h"
#include "client/cli/signal_forwarder.h"
#include "client/cli/verb.h"

namespace proctor::cli {
namespace {

FlagSet::Accept Store(absl::StatusOr<uint64_t> (*parse)(const std::string&),
                      std::optional<uint64_t>* value) {
  return [parse, value](const std::string& text) {
    const absl::StatusOr<uint64_t> parsed = parse(text);
    if (parsed.ok()) *value = *parsed;
    return parsed.status();
  };
}

}  // namespace

int LogsVerb(Invocation& invocation) {
  bool follow = false;
  bool json = false;
  std::optional<uint64_t> tail, stdout_offset, stderr_offset;
  ReconnectFlag reconnect;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch('f', "follow", "go on until the output is complete", &follow);
  flags.Value('n', "tail", "BYTES", "only so many bytes before the end", Store(ParseSize, &tail));
  flags.Value(0, "stdout-offset", "N", "begin after so many bytes of stdout",
              Store(ParseCount, &stdout_offset));
  flags.Value(0, "stderr-offset", "N", "begin after so many bytes of stderr",
              Store(ParseCount, &stderr_offset));
  reconnect.AddTo(&flags);
  flags.Switch(0, "json", "every message, data in base64, as a JSON line on stdout", &json);
  if (auto code = invocation.Parse(&flags, {.least = 1, .most = 1})) return *code;
  const bool has_offset = stdout_offset.has_value() || stderr_offset.has_value();
  if (tail.has_value() && has_offset) {
    return invocation.console().Fail("--tail and offsets exclude each other");
  }
  if (follow) ExitOnInterrupt("");

  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  v1::ReadOutputRequest request;
  request.set_process_id(invocation.arguments()[0]);
  const client::Error unknown = CompleteProcessId(*client, request.mutable_process_id());
  if (!unknown.ok()) return invocation.Refuse(unknown);
  request.set_follow(follow);
  if (tail.has_value()) request.mutable_from()->set_tail_bytes(*tail);
  if (has_offset) {
    request.mutable_from()->mutable_offsets()->set_stdout_offset(stdout_offset.value_or(0));
    request.mutable_from()->mutable_offsets()->set_stderr_offset(stderr_offset.value_or(0));
  }

  client::StreamSinks sinks = ForegroundSinks(invocation, /*json=*/false);
  if (json) {
    sinks = {};
    sinks.on_message = [&invocation](const v1::StreamMessage& message) {
      return invocation.out().Write(JsonLine(message));
    };
  }
  const std::unique_ptr<client::ProcessStream> stream =
      client->ReadOutput(request, reconnect.Policy(&invocation.console()));
  const client::StreamOutcome outcome = stream->Receive(sinks);
  // Our own output failed, which Conclude tells.
  if (outcome.stopped_by_sink) return kExitFailure;
  if (!outcome.error.ok()) {
    return outcome.process.has_value()
               ? invocation.RefuseLost(outcome.error, "process " + request.process_id())
               : invocation.Refuse(outcome.error);
  }
  if (TellDiscrepancies(invocation, outcome)) return kExitFailure;
  if (follow && !outcome.drained.has_value()) {
    return invocation.console().Fail("the server ended the stream before the output was complete");
  }
  return kExitSuccess;
}

}  // namespace proctor::cli
