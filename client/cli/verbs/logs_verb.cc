// logs: what a process wrote.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/clock.h"
#include "client/cli/command/invocation.h"
#include "client/cli/command/verb.h"
#include "client/cli/flags/flag_accept.h"
#include "client/cli/flags/flag_value.h"
#include "client/cli/flags/log_time.h"
#include "client/cli/flags/reconnect_flag.h"
#include "client/cli/flags/tail_flags.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/output/json.h"
#include "client/cli/print/gap_report.h"
#include "client/cli/run/foreground.h"
#include "client/cli/run/signal_forwarder.h"
#include "client/cli/select/id_prefix.h"
#include "client/cli/text/line_stamper.h"
#include "core/base/return_if_error.h"

namespace proctor::cli {
namespace {

FlagSet::Accept AcceptCount(std::optional<uint64_t>* value) {
  return [value](const std::string& text) {
    const absl::StatusOr<uint64_t> parsed = ParseCount(text);
    if (parsed.ok()) *value = *parsed;
    return parsed.status();
  };
}

// `time` is the function that gives the field, which stays unset without the flag.
FlagSet::Accept AcceptLogTime(std::function<google::protobuf::Timestamp*()> field) {
  return [field = std::move(field)](const std::string& text) {
    const auto time = ParseLogTime(text, absl::Now());
    if (time.ok()) *field() = ToProto(*time);
    return time.status();
  };
}

struct LogsFlags {
  bool follow = false;
  bool json = false;
  bool timestamps = false;
  bool only_stdout = false;
  bool only_stderr = false;
  TailFlags tail;
  std::optional<uint64_t> stdout_offset, stderr_offset;
  ReconnectFlag reconnect;
  v1::ReadOutputRequest request;

  void AddTo(FlagSet* flags) {
    flags->Switch('f', "follow", "go on until the output is complete", &follow);
    tail.AddTo(flags, 'n');
    flags->Value(0, "since", "TIME", "only from then on: 10m ago, or a time",
                 AcceptLogTime([this] { return request.mutable_from()->mutable_since(); }));
    flags->Value(0, "until", "TIME", "only until then",
                 AcceptLogTime([this] { return request.mutable_until(); }));
    flags->Switch('t', "timestamps", "when each line was read, in front of it", &timestamps);
    flags->Switch(0, "stdout", "only stdout", &only_stdout);
    flags->Switch(0, "stderr", "only stderr", &only_stderr);
    flags->Value(0, "stdout-offset", "N", "begin after so many bytes of stdout",
                 AcceptCount(&stdout_offset));
    flags->Value(0, "stderr-offset", "N", "begin after so many bytes of stderr",
                 AcceptCount(&stderr_offset));
    reconnect.AddTo(flags);
    flags->Switch(0, "json", "every message as JSON on stdout, data in base64", &json);
  }

  // INVALID_ARGUMENT for what can be refused without the server. Otherwise the request is what the
  // flags say.
  absl::Status Resolve() {
    const bool has_offset = stdout_offset.has_value() || stderr_offset.has_value();
    if (tail.given() && has_offset) {
      return absl::InvalidArgumentError("--tail and offsets exclude each other");
    }
    if (json && timestamps) {
      return absl::InvalidArgumentError("--json and --timestamps exclude each other: it has them");
    }
    request.set_follow(follow);
    RETURN_IF_ERROR(tail.Resolve(request.mutable_from()));
    if (!tail.given()) {
      // Given as a position, so that the server reports output that is not kept any more.
      request.mutable_from()->mutable_offsets()->set_stdout_offset(stdout_offset.value_or(0));
      request.mutable_from()->mutable_offsets()->set_stderr_offset(stderr_offset.value_or(0));
    }
    if (only_stdout) request.add_streams(v1::STREAM_STDOUT);
    if (only_stderr) request.add_streams(v1::STREAM_STDERR);
    return absl::OkStatus();
  }
};

// As they are, or each line with its time.
client::StreamSinks LogsSinks(Invocation& invocation, const LogsFlags& flags, GapReport* gaps) {
  if (flags.json) {
    client::StreamSinks sinks;
    sinks.on_message = [&invocation](const v1::StreamMessage& message) {
      return invocation.out().Write(JsonLine(message));
    };
    return sinks;
  }
  client::StreamSinks sinks = ForegroundSinks(invocation, gaps);
  if (!flags.timestamps) return sinks;
  sinks.on_stdout = nullptr;
  sinks.on_stderr = nullptr;
  sinks.on_message = [&invocation, say = sinks.on_message, out = LineStamper(),
                      err = LineStamper()](const v1::StreamMessage& message) mutable {
    if (!say(message)) return false;
    if (!message.has_output()) return true;
    const v1::Output& output = message.output();
    const bool is_stderr = output.stream() == v1::STREAM_STDERR;
    LineStamper& stamper = is_stderr ? err : out;
    return (is_stderr ? invocation.err() : invocation.out())
        .Write(stamper.Stamp(output.data(), FromProto(output.time())));
  };
  return sinks;
}

}  // namespace

int LogsVerb(Invocation& invocation) {
  LogsFlags logs;
  FlagSet flags(FlagSet::Order::kAnywhere);
  logs.AddTo(&flags);
  if (auto code = invocation.Parse(&flags, {.least = 1, .most = 1})) return *code;
  const absl::Status resolved = logs.Resolve();
  if (!resolved.ok()) return invocation.console().Fail(std::string(resolved.message()));
  if (logs.follow) ExitOnInterrupt("");

  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  v1::ReadOutputRequest& request = logs.request;
  request.set_process_id(invocation.arguments()[0]);
  const absl::Status unknown = CompleteProcessId(*client, request.mutable_process_id());
  if (!unknown.ok()) return invocation.Refuse(unknown);

  GapReport gaps([&invocation](const std::string& text) { invocation.console().Say(text); });
  const std::unique_ptr<client::ProcessStream> stream =
      client->ReadOutput(request, logs.reconnect.Policy(&invocation.console()));
  const client::StreamOutcome outcome = stream->Receive(LogsSinks(invocation, logs, &gaps));
  gaps.Finish();
  // Our own output failed; Conclude reports that.
  if (outcome.stopped_by_sink) return kExitFailure;
  if (!outcome.error.ok()) {
    return outcome.process.has_value()
               ? invocation.RefuseLost(outcome.error, "process " + request.process_id())
               : invocation.Refuse(outcome.error);
  }
  if (TellDiscrepancies(invocation, outcome)) return kExitFailure;
  if (logs.follow && !request.has_until() && !outcome.drained.has_value()) {
    return invocation.console().Fail("the server ended the stream before the output was complete");
  }
  return kExitSuccess;
}

}  // namespace proctor::cli
