// wait: how processes ended.
#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/command/invocation.h"
#include "client/cli/command/verb.h"
#include "client/cli/flags/flag_accept.h"
#include "client/cli/flags/flag_value.h"
#include "client/cli/flags/reconnect_flag.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/output/json.h"
#include "client/cli/print/lost_process.h"
#include "client/cli/select/selector.h"
#include "client/cli/select/targets.h"

namespace proctor::cli {
namespace {

bool IsKnown(const v1::ExitStatus& status) { return status.has_exit_code() || status.has_signal(); }

// The policy of many waits on one server. All lose it at the same time; one reports it.
client::ReconnectPolicy TellOnce(client::ReconnectPolicy policy) {
  auto told = std::make_shared<std::atomic<bool>>(false);
  policy.on_lost = [told, tell = std::move(policy.on_lost)](const absl::Status& error) {
    if (!told->exchange(true)) tell(error);
  };
  return policy;
}

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
  Selector selector;
  selector.AddTo(&flags, "all that run now; with -l ended ones, too");
  if (auto code = invocation.Parse(&flags, {})) return *code;
  if (auto code = selector.Check(invocation)) return *code;

  if (drained && until != v1::WAIT_UNTIL_UNSPECIFIED && until != v1::WAIT_UNTIL_DRAINED) {
    return invocation.console().Fail("--drained and another --until exclude each other");
  }
  if (drained) until = v1::WAIT_UNTIL_DRAINED;
  if (until == v1::WAIT_UNTIL_UNSPECIFIED) until = v1::WAIT_UNTIL_EXITED;

  const absl::Time deadline = absl::Now() + timeout;
  const client::ReconnectPolicy policy = TellOnce(reconnect.Policy(&invocation.console()));
  const bool alone = invocation.arguments().size() == 1;
  int code_of_one = kExitSuccess;
  const auto act = [&](const client::Client& client, const std::string& id, TargetResult* result) {
    v1::WaitProcessRequest request;
    request.set_process_id(id);
    request.set_until(until);
    if (timeout != absl::InfiniteDuration()) {
      *request.mutable_timeout() = ToProto(std::max(deadline - absl::Now(), absl::ZeroDuration()));
    }
    client::Reconnector reconnector(policy);
    result->reached = true;
    const auto response = client.WaitProcessOverLosses(request, &reconnector);
    result->error = response.status();
    if (!response.ok()) return;
    const v1::ExitStatus& status = response->process().exit_status();
    const bool known = IsKnown(status);
    result->data = json    ? JsonLine(response->process())
                   : known ? absl::StrCat(ExitCodeOf(status), "\n")
                           : "?\n";
    result->named = !json && !alone;
    if (known && alone) code_of_one = ExitCodeOf(status);
    const std::string crash = CrashText(status);
    if (!crash.empty()) result->notes.push_back(crash);
    if (known) return;
    const std::string reason = UnknownEndText(response->process());
    result->code = kExitFailure;
    result->notes.push_back(
        absl::StrCat("how it ended is unknown", reason.empty() ? "" : ": ", reason));
  };
  // Labels choose a batch with its ended members; --all chooses what runs.
  v1::ListProcessesRequest among;
  if (selector.all()) among.add_states(v1::PROCESS_STATE_RUNNING);
  const int code = ForEachProcess(invocation, selector, among, act);
  return code == kExitSuccess ? code_of_one : code;
}

}  // namespace proctor::cli
