// info: what the server is and can do.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/cli/command/invocation.h"
#include "client/cli/command/verb.h"
#include "client/cli/flags/flag_value.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/output/json.h"
#include "client/cli/text/local_time.h"
#include "core/base/printable_text.h"

namespace proctor::cli {
namespace {

void AppendLine(const std::string& name, const std::string& value, std::string* text) {
  std::string left = name + ":";
  left.resize(20, ' ');
  absl::StrAppend(text, left, Printable(value), "\n");
}

void AppendChoice(const v1::Choice& choice, const std::string& chosen, std::string* text) {
  absl::StrAppend(text, choice.name() == chosen ? "  * " : "    ", Printable(choice.name()));
  if (!choice.available()) {
    absl::StrAppend(text, " (unavailable: ", Printable(choice.reason()), ")");
  }
  absl::StrAppend(text, "\n");
}

void AppendEventLog(const v1::GetServerInfoResponse& info, std::string* text) {
  const v1::EventLogInfo& log = info.event_log();
  const uint64_t kept = info.last_event().sequence() + 1 - log.first_sequence();
  AppendLine("Event log",
             log.path().empty()
                 ? absl::StrCat("in memory, ", kept, " events")
                 : absl::StrCat(log.path(), ", ", kept, " events, ", log.bytes() / 1024,
                                " KiB, durability ", log.durability()),
             text);
  if (!log.notice().empty()) AppendLine("  notice", log.notice(), text);
  if (!log.trouble().empty()) AppendLine("  trouble", log.trouble(), text);
}

const char* TreesText(v1::TreeMechanism mechanism) {
  switch (mechanism) {
    case v1::TREE_MECHANISM_CGROUP:
      return "control groups";
    case v1::TREE_MECHANISM_WALK:
      return "by a walk over /proc";
    case v1::TREE_MECHANISM_GROUP:
      return "only process groups";
    default:
      return "?";
  }
}

std::string InfoText(const v1::GetServerInfoResponse& info) {
  std::string text;
  AppendLine("Version", info.version(), &text);
  AppendLine("Instance", info.instance_id(), &text);
  AppendLine("Host", info.hostname(), &text);
  AppendLine("Kernel", info.kernel(), &text);
  AppendLine("Started", LocalTime(FromProto(info.started_at())), &text);
  AppendLine("State", info.draining() ? "draining" : "serving", &text);
  AppendLine("Sessions", absl::StrCat(info.open_sessions(), " open"), &text);
  AppendLine("Processes", absl::StrCat(info.running_processes(), " running"), &text);
  AppendLine("Last event",
             absl::StrCat(info.last_event().log_id(), ":", info.last_event().sequence()), &text);
  AppendEventLog(info, &text);
  if (!info.dashboard_url().empty()) {
    AppendLine("Dashboard", absl::StrCat(info.dashboard_url(), " (open it: 'proctor dashboard')"),
               &text);
  }
  const v1::Choice& launcher = info.launcher();
  AppendLine("Launcher",
             launcher.reason().empty()
                 ? launcher.name()
                 : absl::StrCat(launcher.name(), " (", launcher.reason(), ")"),
             &text);
  const v1::Choice& cgroup = info.cgroup();
  const std::string controllers = absl::StrJoin(info.cgroup_controllers(), ", ");
  AppendLine("Control group",
             cgroup.available()
                 ? absl::StrCat(cgroup.name(), " (",
                                controllers.empty() ? "no controllers" : controllers, ")")
                 : absl::StrCat("none", cgroup.reason().empty() ? "" : ": ", cgroup.reason()),
             &text);
  AppendLine("Trees",
             absl::StrCat(TreesText(info.tree_mechanism()), info.tree_caveat().empty() ? "" : "; ",
                          info.tree_caveat()),
             &text);
  absl::StrAppend(&text, "Policies:\n");
  for (const v1::Choice& choice : info.policies()) AppendChoice(choice, info.policy(), &text);
  absl::StrAppend(&text, "Watchers:\n");
  for (const v1::Choice& choice : info.watchers()) AppendChoice(choice, info.watcher(), &text);
  const v1::ServerLimits& limits = info.limits();
  absl::StrAppend(&text, "Limits:\n    message ", limits.max_message_bytes(), " bytes\n    output ",
                  limits.default_retain_bytes(), " bytes a process, at most ",
                  limits.max_retain_bytes(), "\n    ", limits.max_ended_processes(),
                  " ended processes, ", limits.max_events(), " events, ", limits.max_sessions(),
                  " sessions\n    ");
  if (limits.max_processes() > 0) {
    absl::StrAppend(&text, limits.max_processes(), " running processes, ");
  }
  absl::StrAppend(&text, limits.max_processes_per_session(), " in a session, with ",
                  limits.max_output_bytes_per_session(), " bytes of output\n    ");
  absl::StrAppend(&text, "memory for output and specifications ", info.memory_bytes(), " of ",
                  limits.max_memory_bytes() > 0 ? absl::StrCat(limits.max_memory_bytes())
                                                : std::string("unlimited"),
                  " bytes in use\n");
  absl::StrAppend(&text, "    output of ended processes on disk ",
                  limits.max_output_on_disk_bytes() > 0
                      ? absl::StrCat(info.output_on_disk_bytes(), " of ",
                                     limits.max_output_on_disk_bytes(), " bytes in use\n")
                      : std::string("is not kept\n"));
  if (limits.has_spawn_timeout()) {
    absl::StrAppend(&text, "    ", absl::FormatDuration(FromProto(limits.spawn_timeout())),
                    " from start to exec\n");
  }
  if (limits.max_connections() > 0) {
    absl::StrAppend(&text, "    ", limits.max_connections(), " connections of a TCP listener, ",
                    limits.max_connections_per_peer(), " from one address, ",
                    absl::FormatDuration(FromProto(limits.handshake_timeout())),
                    " for a handshake\n");
  }
  return text;
}

}  // namespace

int InfoVerb(Invocation& invocation) {
  bool json = false;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch(0, "json", "as one JSON object", &json);
  if (auto code = invocation.Parse(&flags, {.most = 0})) return *code;
  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  const auto info = client->GetServerInfo({}, Prompt());
  if (!info.ok()) return invocation.Refuse(info.status());
  invocation.out().Write(json ? JsonLine(*info) : InfoText(*info));
  return kExitSuccess;
}

}  // namespace proctor::cli
