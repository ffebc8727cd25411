#include "client/cli/flags/run_flags.h"

#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "absl/strings/str_cat.h"
#include "client/cli/flags/env_file.h"
#include "client/cli/flags/flag_accept.h"
#include "client/cli/flags/flag_value.h"
#include "client/cli/flags/limit_flags.h"
#include "client/cli/terminal/window_size.h"
#include "core/base/printable_text.h"

namespace proctor::cli {
namespace {

v1::Pty OurPty() {
  v1::Pty pty;
  const std::optional<v1::TerminalSize> size = WindowSize();
  if (size.has_value()) *pty.mutable_size() = *size;
  const char* term = std::getenv("TERM");
  if (term != nullptr && !FindInvalidUtf8(term).has_value()) pty.set_term(term);
  return pty;
}

}  // namespace

void RunFlags::AddTo(FlagSet* flags) {
  flags->Switch('i', "stdin", "carry our stdin to the process", &interactive);
  flags->Switch('t', "tty", "give it a terminal; with -i ours becomes one with it", &tty);
  flags->Switch('d', "detach", "start it, print its id and leave", &detach);
  flags->Value(0, "session", "ID", "the session to run it in",
               AcceptText([this](const std::string& text) { start.set_session_id(text); }));
  flags->Text(0, "name", "NAME", "works wherever its id does, also later, until another one has it",
              start.mutable_spec()->mutable_name());
  flags->Value(0, "request-id", "ID", "makes a repetition harmless: it runs once",
               AcceptText([this](const std::string& text) { start.set_request_id(text); }));
  flags->Action(0, "force", "with --request-id: take its stdin over from another client",
                [this] { start.set_force_stdin(true); });
  flags->Switch(0, "json", "with -d: the process as JSON on stdout", &json);
  messages.AddTo(flags);
  terminal.AddTo(flags);
  AddSpecFlags(flags);
  AddIdentityFlags(start.mutable_spec(), flags);
  AddLimitFlags(start.mutable_spec(), flags);
  AddEndFlags(flags);
  AddOutputFlags(flags);
}

void RunFlags::AddSpecFlags(FlagSet* flags) {
  v1::ProcessSpec* spec = start.mutable_spec();
  flags->Heading("What it finds:");
  flags->Value('e', "env", "K[=V]", "set a variable, or pass ours on; repeatable",
               [this](const std::string& text) { return AddVariable(text, &variables_); });
  flags->Value(0, "env-file", "FILE", "the same of each line of a file; -e wins",
               [this](const std::string& text) { return ReadEnvFile(text, &file_variables_); });
  flags->Switch(0, "clear-env", "without the server's own variables", &clear_env_);
  flags->Switch(0, "inherit-env", "with the server's own variables also with --user",
                &inherit_env_);
  flags->Text('w', "cwd", "DIR", "the working directory (the server's; / with --user)",
              spec->mutable_cwd());
  flags->Value('l', "label", "K=V", "a label; repeatable", AcceptLabel(spec->mutable_labels()));
}

void RunFlags::AddEndFlags(FlagSet* flags) {
  v1::ProcessSpec* spec = start.mutable_spec();
  flags->Heading("When the server ends it, and how:");
  flags->Value(0, "timeout", "DURATION", "after this time; we exit with 124",
               AcceptPositiveDuration([spec] { return spec->mutable_run_timeout(); }));
  flags->Value(0, "idle-timeout", "DURATION", "after this time of silence; the same 124",
               AcceptPositiveDuration([spec] { return spec->mutable_idle_timeout(); }));
  flags->Value(0, "stop-signal", "SIGNAL", "the signal that ends it gracefully (TERM)",
               AcceptText([spec](const std::string& text) {
                 spec->mutable_stop_policy()->set_signal(text);
               }));
  flags->Value(0, "stop-grace", "DURATION", "the time from there to SIGKILL (10s)",
               AcceptDuration([spec] { return spec->mutable_stop_policy()->mutable_grace(); }));
  flags->Value(
      0, "stop-scope", "SCOPE", "whom both reach: leader, group (the default) or tree",
      AcceptWord({{"leader", v1::SIGNAL_SCOPE_LEADER},
                  {"group", v1::SIGNAL_SCOPE_GROUP},
                  {"tree", v1::SIGNAL_SCOPE_TREE}},
                 [spec](int scope) {
                   spec->mutable_stop_policy()->set_scope(static_cast<v1::SignalScope>(scope));
                 }));
  flags->Value(
      0, "on-disconnect", "WHAT", "a lost stream: kill, stop (the default with -t) or keep",
      AcceptWord(
          {{"kill", v1::DISCONNECT_POLICY_KILL},
           {"stop", v1::DISCONNECT_POLICY_STOP},
           {"keep", v1::DISCONNECT_POLICY_KEEP}},
          [this](int policy) { on_disconnect = static_cast<v1::DisconnectPolicy>(policy); }));
  flags->Switch(0, "keep", "short for --on-disconnect keep", &keep_);
}

std::string RunFlags::FateWhenLost() const {
  switch (start.on_disconnect()) {
    case v1::DISCONNECT_POLICY_KEEP:
      return "the process goes on; see 'proctor ps' and 'proctor attach'";
    case v1::DISCONNECT_POLICY_STOP:
      return tty ? "a server that still runs hangs up its terminal, and kills it if it stays"
                 : "a server that still runs stops the process, and kills it if it stays";
    default:
      return "a server that still runs kills the process";
  }
}

void RunFlags::AddOutputFlags(FlagSet* flags) {
  v1::ProcessSpec* spec = start.mutable_spec();
  flags->Heading("What happens to its output:");
  flags->Value(0, "drain-grace", "DURATION", "wait for others who hold it (100ms)",
               AcceptDuration([spec] { return spec->mutable_drain_grace(); }));
  flags->Value(
      0, "retain", "BYTES", "what the server keeps of it, such as 64K or 1M",
      AcceptSize([spec](uint64_t size) { spec->mutable_output()->set_retain_bytes(size); }));
  flags->Value(0, "overflow", "block|drop", "what happens when that is full (block; drop with -d)",
               AcceptOverflow([spec] { return spec->mutable_output(); }));
  flags->Switch(0, "merge-stderr", "stderr into stdout, in the order of writing", &merge_stderr_);
}

absl::Status RunFlags::Finish(const std::vector<std::string>& argv) {
  v1::ProcessSpec* spec = start.mutable_spec();
  spec->mutable_argv()->Assign(argv.begin(), argv.end());
  // Those of -e first: a variable that is there already stays.
  variables_.merge(file_variables_);
  spec->mutable_env()->insert(variables_.begin(), variables_.end());
  if (clear_env_ && inherit_env_) {
    return absl::InvalidArgumentError("--clear-env and --inherit-env exclude each other");
  }
  if (clear_env_) spec->set_env_base(v1::ENVIRONMENT_BASE_CLEAR);
  if (inherit_env_) spec->set_env_base(v1::ENVIRONMENT_BASE_INHERIT);
  if (keep_ && on_disconnect.value_or(v1::DISCONNECT_POLICY_KEEP) != v1::DISCONNECT_POLICY_KEEP) {
    return absl::InvalidArgumentError(
        "--keep and --on-disconnect exclude each other: --keep is --on-disconnect keep");
  }
  if (keep_) on_disconnect = v1::DISCONNECT_POLICY_KEEP;
  if (!on_disconnect.has_value() && tty) on_disconnect = v1::DISCONNECT_POLICY_STOP;
  if (on_disconnect.has_value()) start.set_on_disconnect(*on_disconnect);
  if (start.force_stdin() && start.request_id().empty()) {
    return absl::InvalidArgumentError(
        "--force goes together with --request-id: a new process has no other client");
  }
  if (json && !detach) return JsonWantsAPlace("; with -d it prints the process on stdout");
  if (messages.any() && detach) {
    return absl::InvalidArgumentError(
        "-d goes with neither --json-file nor --json-fd: we do not stay for the messages; --json "
        "prints the process");
  }
  absl::Status resolved = terminal.Resolve();
  return resolved.ok() ? FinishStreams() : resolved;
}

absl::Status RunFlags::FinishStreams() {
  v1::ProcessSpec* spec = start.mutable_spec();
  if (!tty) {
    spec->set_stdin_mode(interactive ? v1::STDIO_MODE_PIPE : v1::STDIO_MODE_NULL);
    if (merge_stderr_) spec->set_stderr_mode(v1::STDIO_MODE_MERGED);
    return absl::OkStatus();
  }
  if (merge_stderr_) {
    return absl::InvalidArgumentError(
        "--merge-stderr and --tty exclude each other: a terminal shows everything in order");
  }
  *spec->mutable_pty() = OurPty();
  if (!interactive || detach) return absl::OkStatus();
  if (isatty(STDIN_FILENO) == 0) {
    return absl::InvalidArgumentError(
        "the input device is not a TTY: -it wants a terminal as our stdin; -i alone carries a "
        "pipe, -t alone shows what the process's terminal shows");
  }
  return absl::OkStatus();
}

}  // namespace proctor::cli
