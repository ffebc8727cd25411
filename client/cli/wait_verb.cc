// wait: how processes ended.
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/exit_code.h"
#include "client/cli/flag_accept.h"
#include "client/cli/flag_value.h"
#include "client/cli/id_prefix.h"
#include "client/cli/invocation.h"
#include "client/cli/json.h"
#include "client/cli/lost_process.h"
#include "client/cli/reconnect_flag.h"
#include "client/cli/verb.h"

namespace proctor::cli {
namespace {

bool IsKnown(const v1::ExitStatus& status) { return status.has_exit_code() || status.has_signal(); }

}  // namespace

int WaitVerb(Invocation& invocation) {
  bool drained = false;
  v1::WaitUntil until = v1::WAIT_UNTIL_UNSPECIFIED;
  bool json = false;
  absl::Duration timeout = absl::InfiniteDuration();
  ReconnectFlag reconnect;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Value('t', "timeout", "DURATION", "wait no longer than this, for all together",
              [&timeout](const std::string& text) {
                const absl::StatusOr<absl::Duration> parsed = ParseDuration(text);
                if (parsed.ok()) timeout = *parsed;
                return parsed.status();
              });
  flags.Value(0, "until", "STATE",
              "exited (the default), drained (its output is complete) or tree-empty",
              AcceptWord({{"exited", v1::WAIT_UNTIL_EXITED},
                          {"drained", v1::WAIT_UNTIL_DRAINED},
                          {"tree-empty", v1::WAIT_UNTIL_TREE_EMPTY}},
                         [&until](int state) { until = static_cast<v1::WaitUntil>(state); }));
  flags.Switch(0, "drained", "the same as --until drained", &drained);
  reconnect.AddTo(&flags);
  flags.Switch(0, "json", "the processes, one JSON object a line", &json);
  if (auto code = invocation.Parse(&flags, {.least = 1})) return *code;

  if (drained && until != v1::WAIT_UNTIL_UNSPECIFIED && until != v1::WAIT_UNTIL_DRAINED) {
    return invocation.console().Fail("--drained and another --until exclude each other");
  }
  if (drained) until = v1::WAIT_UNTIL_DRAINED;
  if (until == v1::WAIT_UNTIL_UNSPECIFIED) until = v1::WAIT_UNTIL_EXITED;

  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  const absl::Time deadline = absl::Now() + timeout;
  client::Reconnector reconnector(reconnect.Policy(&invocation.console()));
  int code = kExitSuccess;
  for (std::string id : invocation.arguments()) {
    client::Error error = CompleteProcessId(*client, &id);
    const bool reached = error.ok();
    v1::WaitProcessResponse response;
    if (reached) {
      v1::WaitProcessRequest request;
      request.set_process_id(id);
      request.set_until(until);
      if (timeout != absl::InfiniteDuration()) {
        *request.mutable_timeout() =
            ToProto(std::max(deadline - absl::Now(), absl::ZeroDuration()));
      }
      error = client->WaitProcess(request, &response, &reconnector);
    }
    if (!error.ok()) {
      (void)(reached ? invocation.RefuseLost(error, id) : invocation.Refuse(error, id));
      code = kExitFailure;
      if (error.IsLost()) break;
      continue;
    }
    const v1::ExitStatus& status = response.process().exit_status();
    const bool known = IsKnown(status);
    if (json) {
      invocation.out().Write(JsonLine(response.process()));
    } else {
      invocation.out().Write(absl::StrCat(known ? absl::StrCat(ExitCodeOf(status)) : "?", "\n"));
    }
    if (!known) {
      const std::string reason = UnknownEndText(response.process());
      code = invocation.console().Fail(absl::StrCat("how process ", id, " ended is unknown",
                                                    reason.empty() ? "" : ": ", reason));
    } else if (invocation.arguments().size() == 1) {
      code = ExitCodeOf(status);
    }
  }
  return code;
}

}  // namespace proctor::cli
