// prune: forgets ended processes.
#include <unistd.h>

#include <atomic>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/command/invocation.h"
#include "client/cli/command/verb.h"
#include "client/cli/flags/flag_accept.h"
#include "client/cli/flags/flag_value.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/print/lost_process.h"
#include "client/cli/select/process_filter.h"
#include "client/cli/select/targets.h"

namespace proctor::cli {
namespace {

std::string Count(size_t count) {
  return absl::StrCat(count, count == 1 ? " ended process" : " ended processes");
}

// Whether the user at the terminal agrees. No answer is a no.
bool Agrees(const std::string& question) {
  OutFile(STDERR_FILENO, "stderr").Write(question);
  char answer = '\0';
  for (char c = '\0'; read(STDIN_FILENO, &c, 1) == 1 && c != '\n';) {
    if (answer == '\0') answer = c;
  }
  return answer == 'y' || answer == 'Y';
}

// The processes to forget.
struct Ended {
  std::vector<std::string> ids;
  // How many are kept because they may run on.
  size_t kept = 0;
};

// Finds what ended before `before`. Keeps what may run on: a user that asks for lost ones has seen
// them, but what is known to run on has no other trace.
absl::Status List(const client::Client& client, const ProcessFilter& filter, bool lost_too,
                  absl::Time before, Ended* ended) {
  return filter.ForEach(client, [&](const v1::Process& process) {
    if (!process.has_exit_status() || FromProto(process.exit_status().exited_at()) > before) {
      return true;
    }
    if (lost_too ? process.survivors() > 0 : MayRunOn(process)) {
      ++ended->kept;
    } else {
      ended->ids.push_back(process.process_id());
    }
    return true;
  });
}

}  // namespace

int PruneVerb(Invocation& invocation) {
  bool force = false;
  absl::Duration age = absl::ZeroDuration();
  ProcessFilter filter;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch('f', "force", "do not ask", &force);
  filter.AddTo(&flags, 0);
  flags.Value(0, "older-than", "DURATION", "only those that ended so long ago, or longer",
              [&age](const std::string& text) {
                const absl::StatusOr<absl::Duration> parsed = ParseDuration(text);
                if (parsed.ok()) age = *parsed;
                return parsed.status();
              });
  if (auto code = invocation.Parse(&flags, {.most = 0})) return *code;
  if (filter.Wants(ProcessWord::kRunning)) {
    return invocation.console().Fail("what runs cannot be forgotten: state=running");
  }
  if (!force && isatty(STDIN_FILENO) == 0) {
    return invocation.console().Fail(
        "stdin is no terminal, so nobody can be asked whether to forget; -f does it without "
        "asking");
  }
  const bool lost_too = filter.Wants(ProcessWord::kLost);
  filter.AddDefault(ProcessWord::kExited);
  filter.AddDefault(ProcessWord::kLost);

  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  Ended ended;
  absl::Status error = filter.Complete(*client);
  if (error.ok()) error = List(*client, filter, lost_too, absl::Now() - age, &ended);
  if (!error.ok()) return invocation.Refuse(error);
  const std::string kept =
      KeptText(ended.kept, lost_too ? "'proctor rm' forgets them by their ids"
                                    : "'proctor ps --filter state=lost' shows them");
  if (!kept.empty()) invocation.console().Say(kept);
  if (!force && !ended.ids.empty() &&
      !Agrees(absl::StrCat("Forget ", Count(ended.ids.size()),
                           ", with their output and how they ended? [y/N] "))) {
    return invocation.console().Fail("nothing is forgotten");
  }
  std::atomic<size_t> forgotten = 0;
  const int code = ForEachFound(
      invocation, ended.ids,
      [&forgotten](const client::Client& on, const std::string& id, TargetResult* result) {
        v1::RemoveProcessRequest request;
        request.set_process_id(id);
        result->error = on.RemoveProcess(request, Prompt()).status();
        if (result->error.ok()) ++forgotten;
      });
  invocation.out().Write(absl::StrCat("forgot ", Count(forgotten), "\n"));
  return code;
}

}  // namespace proctor::cli
