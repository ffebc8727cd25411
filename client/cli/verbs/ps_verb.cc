// ps: processes as a table.
#include <string>
#include <utility>
#include <vector>

#include "client/cli/command/invocation.h"
#include "client/cli/command/verb.h"
#include "client/cli/flags/reconnect_flag.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/print/process_view.h"
#include "client/cli/print/table.h"
#include "client/cli/run/signal_forwarder.h"
#include "client/cli/select/process_filter.h"
#include "client/cli/verbs/ps_watch.h"

namespace proctor::cli {

int PsVerb(Invocation& invocation) {
  bool all = false;
  bool watch = false;
  ProcessFilter filter;
  ProcessView view;
  // A watch of days outlasts the server's repair.
  ReconnectFlag reconnect{absl::InfiniteDuration()};
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch('a', "all", "those that ended, too", &all);
  filter.AddTo(&flags, 'f');
  view.AddTo(&flags);
  flags.Switch('w', "watch", "go on with what changes", &watch);
  reconnect.AddTo(&flags);
  if (auto code = invocation.Parse(&flags, {.most = 0})) return *code;
  const absl::Status checked = view.Check();
  if (!checked.ok()) return invocation.console().Fail(std::string(checked.message()));
  if (watch) ExitOnInterrupt("");

  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  absl::Status error = filter.Complete(*client);
  if (!error.ok()) return invocation.Refuse(error);
  if (!all && filter.AddDefault(ProcessWord::kRunning)) filter.IncludeSurvivors();
  if (watch) {
    return WatchProcesses(invocation, *client, filter, &view, invocation.IsColoured(),
                          reconnect.Policy(&invocation.console()));
  }
  std::vector<v1::Process> processes;
  error = filter.ForEach(*client, [&processes](const v1::Process& process) {
    processes.push_back(process);
    return true;
  });
  if (!error.ok()) return invocation.Refuse(error);
  invocation.out().Write(view.All(processes, TerminalColumns(), invocation.IsColoured()));
  return kExitSuccess;
}

}  // namespace proctor::cli
