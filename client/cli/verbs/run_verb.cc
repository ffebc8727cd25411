// run: a process from its start.
#include <memory>
#include <optional>
#include <string>

#include "client/cli/command/invocation.h"
#include "client/cli/command/verb.h"
#include "client/cli/flags/run_flags.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/output/json.h"
#include "client/cli/run/foreground.h"
#include "client/cli/run/signal_forwarder.h"
#include "client/cli/select/id_prefix.h"

namespace proctor::cli {
namespace {

int Detach(Invocation& invocation, const client::Client& client, const RunFlags& run) {
  v1::StartProcessRequest request;
  request.set_session_id(run.start.session_id());
  request.set_request_id(run.start.request_id());
  *request.mutable_spec() = run.start.spec();
  // Without a deadline: a start that we stopped waiting for might still happen.
  const auto response = client.StartProcess(request);
  if (!response.ok()) return invocation.Refuse(response.status());
  invocation.out().Write(run.json ? JsonLine(response->process())
                                  : response->process().process_id() + "\n");
  return kExitSuccess;
}

}  // namespace

int RunVerb(Invocation& invocation) {
  RunFlags run;
  FlagSet flags(FlagSet::Order::kFlagsFirst);
  run.AddTo(&flags);
  if (auto code = invocation.Parse(&flags, {.least = 1})) return *code;
  const absl::Status finished = run.Finish(invocation.arguments());
  if (!finished.ok()) return invocation.console().Fail(std::string(finished.message()));

  const auto messages = run.messages.Open(/*terminal_is_taken=*/run.interactive && run.tty);
  if (!messages.ok()) return invocation.console().Fail(std::string(messages.status().message()));
  if (messages->has_value()) invocation.SetMessages(**messages);

  std::optional<SignalForwarder> forwarder;
  if (!run.detach) forwarder.emplace();
  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  if (!run.start.session_id().empty()) {
    const absl::Status error = CompleteSessionId(*client, run.start.mutable_session_id());
    if (!error.ok()) return invocation.Refuse(error);
  }
  if (run.detach) return Detach(invocation, *client, run);

  const std::unique_ptr<client::ProcessStream> stream = client->Run(run.start);
  ForegroundOptions options;
  options.feed_stdin = run.interactive;
  if (run.interactive && run.tty) {
    options.terminal = InteractiveOptions{run.terminal.keys, run.start.spec().pty().size()};
  }
  options.fate_when_lost = run.FateWhenLost();
  const int code = StayWith(invocation, *stream, &*forwarder, options);
  // Its threads use the stream.
  forwarder.reset();
  return code;
}

}  // namespace proctor::cli
