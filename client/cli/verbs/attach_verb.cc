// attach: a process from where it is.
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/command/invocation.h"
#include "client/cli/command/verb.h"
#include "client/cli/flags/message_flags.h"
#include "client/cli/flags/reconnect_flag.h"
#include "client/cli/flags/tail_flags.h"
#include "client/cli/flags/terminal_flags.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/run/foreground.h"
#include "client/cli/run/signal_forwarder.h"
#include "client/cli/select/id_prefix.h"
#include "core/base/return_if_error.h"

namespace proctor::cli {
namespace {

struct AttachFlags {
  bool interactive = false;
  bool tty = false;
  bool from_start = false;
  bool no_replay = false;
  bool json = false;
  TailFlags tail;
  MessageFlags messages;
  TerminalFlags terminal;
  ReconnectFlag reconnect;
  v1::AttachStart start;

  void AddTo(FlagSet* flags) {
    flags->Switch('i', "stdin", "carry our stdin and signals to the process", &interactive);
    flags->Switch('t', "tty", "insist on its having a terminal, which -i finds out by itself",
                  &tty);
    flags->Action(0, "force", "take its stdin over from another client",
                  [this] { start.set_force_stdin(true); });
    flags->Switch(0, "from-start", "from the start of its output (the default without a terminal)",
                  &from_start);
    tail.AddTo(flags, 0);
    flags->Switch(0, "no-replay", "only what is written from now on (the default with one)",
                  &no_replay);
    terminal.AddTo(flags);
    reconnect.AddTo(flags);
    messages.AddTo(flags);
    flags->Switch(0, "json", "", &json);
  }

  // INVALID_ARGUMENT for what can be refused without the server.
  absl::Status Check() {
    if (json) return JsonWantsAPlace("; 'proctor inspect' prints the process");
    if (from_start + no_replay + tail.given() > 1) {
      return absl::InvalidArgumentError("--from-start, --tail and --no-replay exclude each other");
    }
    if (start.force_stdin() && !interactive) {
      return absl::InvalidArgumentError("--force goes together with -i");
    }
    if (tty && interactive && isatty(STDIN_FILENO) == 0) {
      return absl::InvalidArgumentError(
          "the input device is not a TTY: -it wants a terminal as our stdin; -i alone carries a "
          "pipe");
    }
    RETURN_IF_ERROR(tail.Resolve(start.mutable_from()));
    return terminal.Resolve();
  }
};

// Sets where to begin, unless a tail flag has set it. `has_terminal`: of the process.
void SetPosition(const AttachFlags& flags, bool has_terminal, v1::AttachStart* start) {
  // Old output of a terminal is not shown again: our terminal would answer every question in it,
  // into the program's input. The program draws anew instead.
  if (flags.tail.given()) return;
  if (flags.no_replay || (has_terminal && !flags.from_start)) {
    start->mutable_from()->set_tail_bytes(0);
  } else {
    // Given as a position, so that the server reports output that is not kept any more.
    start->mutable_from()->mutable_offsets();
  }
}

}  // namespace

int AttachVerb(Invocation& invocation) {
  AttachFlags attach;
  FlagSet flags(FlagSet::Order::kAnywhere);
  attach.AddTo(&flags);
  if (auto code = invocation.Parse(&flags, {.least = 1, .most = 1})) return *code;
  const absl::Status checked = attach.Check();
  if (!checked.ok()) return invocation.console().Fail(std::string(checked.message()));

  // -i takes our terminal when the process has one; only the server knows that.
  const auto messages =
      attach.messages.Open(/*terminal_is_taken=*/attach.interactive && isatty(STDIN_FILENO) != 0);
  if (!messages.ok()) return invocation.console().Fail(std::string(messages.status().message()));
  if (messages->has_value()) invocation.SetMessages(**messages);

  std::optional<SignalForwarder> forwarder;
  if (attach.interactive) {
    forwarder.emplace();
  } else {
    ExitOnInterrupt("proctor: attach: detached\n");
  }
  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  v1::GetProcessRequest request;
  request.set_process_id(invocation.arguments()[0]);
  const absl::Status error = CompleteProcessId(*client, request.mutable_process_id());
  if (!error.ok()) return invocation.Refuse(error);
  const auto found = client->GetProcess(request, Prompt());
  if (!found.ok()) return invocation.Refuse(found.status());
  const bool has_terminal = found->process().spec().has_pty();
  if (attach.tty && !has_terminal) {
    return invocation.console().Fail(absl::StrCat("--tty: process ", request.process_id(),
                                                  " was started without a terminal; leave it out"));
  }

  ForegroundOptions options;
  options.feed_stdin = attach.interactive;
  options.fate_when_lost = "the process is not touched by that";
  if (attach.interactive && has_terminal && isatty(STDIN_FILENO) != 0) {
    options.terminal = InteractiveOptions{attach.terminal.keys, std::nullopt};
  }
  attach.start.set_process_id(request.process_id());
  SetPosition(attach, has_terminal, &attach.start);
  const std::unique_ptr<client::ProcessStream> stream =
      client->Attach(attach.start, attach.reconnect.Policy(&invocation.console()));
  const int code =
      StayWith(invocation, *stream, forwarder.has_value() ? &*forwarder : nullptr, options);
  // Its threads use the stream.
  forwarder.reset();
  return code;
}

}  // namespace proctor::cli
