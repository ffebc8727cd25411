#include "client/cli/command/invocation.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/command/verb.h"
#include "client/cli/flags/flag_text.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/text/fill.h"
#include "client/connection/unreachable.h"
#include "proctor/client/error.h"
#include "proctor/error.h"

namespace proctor::cli {
namespace {

// At our start.
bool sigpipe_was_ignored = false;

[[noreturn]] void DieOfSigpipe() {
  signal(SIGPIPE, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  raise(SIGPIPE);
  _exit(kExitSignalBase + SIGPIPE);
}

}  // namespace

Invocation::Invocation(const Verb& verb, std::vector<std::string> arguments, GlobalFlags globals)
    : verb_(verb),
      arguments_(std::move(arguments)),
      globals_(std::move(globals)),
      console_(verb.name),
      out_(STDOUT_FILENO, "stdout"),
      err_(STDERR_FILENO, "stderr") {}

void Invocation::CatchBrokenPipes() { sigpipe_was_ignored = signal(SIGPIPE, SIG_IGN) == SIG_IGN; }

std::optional<int> Invocation::Parse(FlagSet* flags, Arity arity) {
  globals_.AddTo(flags);
  std::vector<std::string> rest;
  const std::optional<FlagSet::Mistake> wrong = flags->Parse(arguments_, &rest);
  if (globals_.help) {
    out_.Write(absl::StrCat("Usage: proctor ", verb_.name, verb_.synopsis[0] == '\0' ? "" : " ",
                            verb_.synopsis, "\n\n", Fill(verb_.about, kHelpColumns), "\nFlags:\n",
                            FlagsHelp(*flags)));
    return kExitSuccess;
  }
  std::string mistake;
  if (wrong.has_value()) {
    mistake = MistakeText(*flags, *wrong);
  } else if (rest.size() < arity.least) {
    mistake = "an argument is missing";
  } else if (rest.size() > arity.most) {
    mistake = absl::StrCat("too many arguments, from '", rest[arity.most], "' on");
  }
  arguments_ = std::move(rest);
  console_.SetColoured(cli::IsColoured(globals_.colour, STDERR_FILENO));
  if (mistake.empty()) return std::nullopt;
  return console_.Fail(absl::StrCat(mistake, "; see 'proctor ", verb_.name, " --help'"));
}

const client::Client* Invocation::Connect() {
  if (client_ != nullptr) return client_.get();
  const client::ConnectOptions& options = server_ = globals_.Resolve();
  auto client = client::Client::Connect(options);
  if (client.ok()) {
    client_ = *std::move(client);
  } else if (absl::IsFailedPrecondition(client.status()) && !options.tls.any() &&
             !absl::StartsWith(options.host, "unix:")) {
    console_.Say(absl::StrCat(client.status().message(),
                              "; give --tls-ca (and --tls-cert, --tls-key), or reach it through "
                              "an ssh tunnel to a loopback port"));
  } else {
    console_.Say(std::string(client.status().message()));
  }
  return client_.get();
}

std::string HintFor(const absl::Status& error) {
  return ReasonOf(error) == Reason::kStdinBusy ? "; --force takes it over" : "";
}

std::string Invocation::Describe(const absl::Status& error) const {
  if (!client::IsUnreachable(error)) return absl::StrCat(client::ErrorText(error), HintFor(error));
  return absl::StrCat(client::ExplainUnreachable(server_, error),
                      globals_.NamesAHost() ? "" : "; neither is given, and this is the default");
}

int Invocation::Refuse(const absl::Status& error, const std::string& context) {
  console_.Say(absl::StrCat(context, context.empty() ? "" : ": ", Describe(error)));
  return ExitCodeOf(error);
}

int Invocation::RefuseLost(const absl::Status& error, const std::string& context) {
  if (!client::IsLost(error)) return Refuse(error, context);
  console_.Say(absl::StrCat(context, context.empty() ? "" : ": ", "lost the server at '",
                            server_.host, "': ", error.message()));
  return ExitCodeOf(error);
}

int Invocation::Conclude(int code) {
  if (out_.error() == 0) out_.Close();
  if (messages_.has_value() && messages_->error() == 0) messages_->Close();
  for (const OutFile* file : {&out_, &err_, messages()}) {
    if (file == nullptr || file->error() == 0) continue;
    // No stream is left open behind us.
    client_.reset();
    // As a local program would. A local one has no place of messages: their loss is reported.
    if (file->error() == EPIPE && file != messages() && !sigpipe_was_ignored) DieOfSigpipe();
    return console_.Fail(absl::StrCat("write to ", file->name(), ": ", ErrnoText(file->error())));
  }
  return code;
}

}  // namespace proctor::cli
