// attach: a process from where it is.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "client/cli/exit_code.h"
#include "client/cli/flag_value.h"
#include "client/cli/foreground.h"
#include "client/cli/id_prefix.h"
#include "client/cli/invocation.h"
#include "client/cli/signal_forwarder.h"
#include "client/cli/verb.h"

namespace proctor::cli {

int AttachVerb(Invocation& invocation) {
  bool interactive = false;
  bool from_start = false;
  bool no_replay = false;
  bool json = false;
  std::optional<uint64_t> tail;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch('i', "stdin", "carry our stdin and signals to the process", &interactive);
  flags.Switch(0, "from-start", "from the start of its output (the default)", &from_start);
  flags.Value(0, "tail", "BYTES", "from so many bytes before the end",
              [&tail](const std::string& text) {
                const absl::StatusOr<uint64_t> size = ParseSize(text);
                if (size.ok()) tail = *size;
                return size.status();
              });
  flags.Switch(0, "no-replay", "only what is written from now on", &no_replay);
  flags.Switch(0, "json", "messages as JSON lines on stderr", &json);
  if (auto code = invocation.Parse(&flags, {.least = 1, .most = 1})) return *code;
  if (from_start + no_replay + tail.has_value() > 1) {
    return invocation.console().Fail("--from-start, --tail and --no-replay exclude each other");
  }

  std::optional<SignalForwarder> forwarder;
  if (interactive) {
    forwarder.emplace();
  } else {
    ExitOnInterrupt("proctor: attach: detached\n");
  }
  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  std::string id = invocation.arguments()[0];
  const client::Error error = CompleteProcessId(*client, &id);
  if (!error.ok()) return invocation.Refuse(error);

  v1::AttachStart start;
  start.set_process_id(id);
  if (tail.has_value() || no_replay) {
    start.mutable_from()->set_tail_bytes(tail.value_or(0));
  } else {
    // Said as a position, so that what is not kept any more is reported.
    start.mutable_from()->mutable_offsets();
  }
  const std::unique_ptr<client::ProcessStream> stream = client->Attach(start);
  ForegroundOptions options;
  options.feed_stdin = interactive;
  options.json = json;
  options.fate_when_lost = "the process is not touched by that";
  const int code =
      StayWith(invocation, *stream, forwarder.has_value() ? &*forwarder : nullptr, options);
  // Its threads use the stream.
  forwarder.reset();
  return code;
}

}  // namespace proctor::cli
