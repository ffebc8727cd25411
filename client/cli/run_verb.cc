// run: a process from its start.
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/escape.h"
#include "client/cli/exit_code.h"
#include "client/cli/flag_value.h"
#include "client/cli/foreground.h"
#include "client/cli/id_prefix.h"
#include "client/cli/invocation.h"
#include "client/cli/json.h"
#include "client/cli/signal_forwarder.h"
#include "client/cli/verb.h"

namespace proctor::cli {
namespace {

struct RunFlags {
  bool interactive = false;
  bool detach = false;
  bool clear_env = false;
  bool merge_stderr = false;
  bool keep = false;
  bool json = false;
  v1::RunStart start;
};

// NAME=VALUE, or NAME to take the value from our own environment, if it has one.
absl::Status AddVariable(const std::string& text, v1::ProcessSpec* spec) {
  const size_t equals = text.find('=');
  if (text.empty() || equals == 0) {
    return absl::InvalidArgumentError(absl::StrCat("'", text, "' has no name"));
  }
  const std::string name = text.substr(0, equals);
  std::string value;
  if (equals != std::string::npos) {
    value = text.substr(equals + 1);
  } else if (const char* own = std::getenv(name.c_str())) {
    value = own;
  } else {
    return absl::OkStatus();
  }
  if (FindInvalidUtf8(value).has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the value of '", name, "' is not valid UTF-8, and cannot be sent"));
  }
  (*spec->mutable_env())[name] = value;
  return absl::OkStatus();
}

absl::Status SetDuration(const std::string& text, google::protobuf::Duration* field) {
  const absl::StatusOr<absl::Duration> duration = ParseDuration(text);
  if (duration.ok()) *field = ToProto(*duration);
  return duration.status();
}

absl::Status SetOverflow(const std::string& text, v1::OutputRetention* output) {
  if (text == "block") {
    output->set_overflow(v1::OVERFLOW_POLICY_BLOCK_CHILD);
  } else if (text == "drop") {
    output->set_overflow(v1::OVERFLOW_POLICY_DROP_OLDEST);
  } else {
    return absl::InvalidArgumentError(absl::StrCat("'", text, "' is not 'block' or 'drop'"));
  }
  return absl::OkStatus();
}

// What the process is given.
void AddSpecFlags(RunFlags* run, FlagSet* flags) {
  v1::ProcessSpec* spec = run->start.mutable_spec();
  flags->Value('e', "env", "K[=V]", "set a variable, or pass ours on; repeatable",
               [spec](const std::string& text) { return AddVariable(text, spec); });
  flags->Switch(0, "clear-env", "without the server's own variables", &run->clear_env);
  flags->Text('w', "cwd", "DIR", "the working directory", spec->mutable_cwd());
  flags->Value('l', "label", "K=V", "a label; repeatable", [spec](const std::string& text) {
    const auto label = ParseKeyValue(text);
    if (label.ok()) (*spec->mutable_labels())[label->first] = label->second;
    return label.status();
  });
}

// When the process is ended, and how.
void AddEndFlags(RunFlags* run, FlagSet* flags) {
  v1::ProcessSpec* spec = run->start.mutable_spec();
  flags->Value(
      0, "timeout", "DURATION", "end the process after this time",
      [spec](const std::string& text) { return SetDuration(text, spec->mutable_run_timeout()); });
  flags->Value(0, "stop-signal", "SIGNAL", "the signal that ends it gracefully (TERM)",
               [spec](const std::string& text) {
                 spec->mutable_stop_policy()->set_signal(text);
                 return absl::OkStatus();
               });
  flags->Value(0, "stop-grace", "DURATION", "the time from there to SIGKILL (10s)",
               [spec](const std::string& text) {
                 return SetDuration(text, spec->mutable_stop_policy()->mutable_grace());
               });
  flags->Switch(0, "keep", "let it go on when our stream is lost", &run->keep);
}

// What happens to its output.
void AddOutputFlags(RunFlags* run, FlagSet* flags) {
  v1::ProcessSpec* spec = run->start.mutable_spec();
  flags->Value(
      0, "drain-grace", "DURATION", "wait for others who hold its output (100ms)",
      [spec](const std::string& text) { return SetDuration(text, spec->mutable_drain_grace()); });
  flags->Value(0, "retain", "BYTES", "the output that the server keeps, such as 64K or 1M",
               [spec](const std::string& text) {
                 const absl::StatusOr<uint64_t> size = ParseSize(text);
                 if (size.ok()) spec->mutable_output()->set_retain_bytes(*size);
                 return size.status();
               });
  flags->Value(
      0, "overflow", "block|drop", "what happens when that is full (block; drop with -d)",
      [spec](const std::string& text) { return SetOverflow(text, spec->mutable_output()); });
  flags->Switch(0, "merge-stderr", "stderr into stdout, in the order of writing",
                &run->merge_stderr);
}

void AddFlags(RunFlags* run, FlagSet* flags) {
  flags->Switch('i', "stdin", "carry our stdin to the process", &run->interactive);
  flags->Switch('d', "detach", "start it, print its id and leave", &run->detach);
  AddSpecFlags(run, flags);
  flags->Value(0, "session", "ID", "the session to run it in", [run](const std::string& text) {
    run->start.set_session_id(text);
    return absl::OkStatus();
  });
  flags->Value(0, "request-id", "ID", "makes a repetition harmless: it runs once",
               [run](const std::string& text) {
                 run->start.set_request_id(text);
                 return absl::OkStatus();
               });
  AddEndFlags(run, flags);
  AddOutputFlags(run, flags);
  flags->Switch(0, "json", "messages as JSON lines on stderr; with -d the process on stdout",
                &run->json);
}

void FinishSpec(const std::vector<std::string>& argv, RunFlags* run) {
  v1::ProcessSpec* spec = run->start.mutable_spec();
  spec->mutable_argv()->Assign(argv.begin(), argv.end());
  if (run->clear_env) spec->set_env_base(v1::ENVIRONMENT_BASE_CLEAR);
  spec->set_stdin_mode(run->interactive ? v1::STDIO_MODE_PIPE : v1::STDIO_MODE_NULL);
  if (run->merge_stderr) spec->set_stderr_mode(v1::STDIO_MODE_MERGED);
  if (run->keep) run->start.set_on_disconnect(v1::DISCONNECT_POLICY_KEEP);
}

int Detach(Invocation& invocation, const client::Client& client, const RunFlags& run) {
  v1::StartProcessRequest request;
  request.set_session_id(run.start.session_id());
  request.set_request_id(run.start.request_id());
  *request.mutable_spec() = run.start.spec();
  v1::StartProcessResponse response;
  // Without a deadline: a start that we stopped waiting for might still happen.
  const client::Error error = client.StartProcess(request, &response);
  if (!error.ok()) return invocation.Refuse(error);
  invocation.out().Write(run.json ? JsonLine(response.process())
                                  : response.process().process_id() + "\n");
  return kExitSuccess;
}

}  // namespace

int RunVerb(Invocation& invocation) {
  RunFlags run;
  FlagSet flags(FlagSet::Order::kFlagsFirst);
  AddFlags(&run, &flags);
  if (auto code = invocation.Parse(&flags, {.least = 1})) return *code;
  FinishSpec(invocation.arguments(), &run);

  std::optional<SignalForwarder> forwarder;
  if (!run.detach) forwarder.emplace();
  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  if (!run.start.session_id().empty()) {
    const client::Error error = CompleteSessionId(*client, run.start.mutable_session_id());
    if (!error.ok()) return invocation.Refuse(error);
  }
  if (run.detach) return Detach(invocation, *client, run);

  const std::unique_ptr<client::ProcessStream> stream = client->Run(run.start);
  ForegroundOptions options;
  options.feed_stdin = run.interactive;
  options.json = run.json;
  options.fate_when_lost = run.keep ? "the process goes on; see 'proctor ps' and 'proctor attach'"
                                    : "a server that still runs kills the process";
  const int code = StayWith(invocation, *stream, &*forwarder, options);
  // Its threads use the stream.
  forwarder.reset();
  return code;
}

}  // namespace proctor::cli
