#include "client/cli/print/process_row.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/flags/flag_value.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/print/lost_process.h"
#include "client/cli/print/table.h"
#include "client/cli/text/escape.h"
#include "client/cli/text/local_time.h"
#include "client/cli/text/short_id.h"

namespace proctor::cli {
namespace {

// "a=1,b=2"; the map of the message has no order.
std::string LabelsText(const v1::Process& process) {
  const std::map<std::string, std::string> labels(process.spec().labels().begin(),
                                                  process.spec().labels().end());
  return absl::StrJoin(labels, ",", absl::PairFormatter("="));
}

// How long it ran, or has run; unknown for a lost one.
Value Ran(const v1::Process& process, absl::Time now) {
  if (IsLost(process)) return "?";
  const absl::Duration ran = process.has_exit_status() ? FromProto(process.exit_status().duration())
                                                       : now - FromProto(process.started_at());
  return {BriefDuration(ran), absl::ToDoubleSeconds(ran)};
}

Value At(absl::Time time) {
  Value value(LocalTimeWithOffset(time), LocalTime(time));
  value.rank = absl::ToDoubleSeconds(time - absl::UnixEpoch());
  return value;
}

// Green for what runs; red for what has not ended well; yellow for the unknown.
Colour ColourOf(const v1::Process& process) {
  const v1::ExitStatus& status = process.exit_status();
  if (IsLost(process) || status.has_unknown()) return Colour::kYellow;
  if (process.state() == v1::PROCESS_STATE_RUNNING) return Colour::kGreen;
  const bool well = status.has_exit_code() && status.exit_code() == 0;
  return well || !process.has_exit_status() ? Colour::kNone : Colour::kRed;
}

Value State(const v1::Process& process) {
  Value value = StateText(process);
  value.colour = ColourOf(process);
  return value;
}

// Codes by their number, then signals by theirs.
Value Exit(const v1::Process& process) {
  if (!process.has_exit_status()) return "";
  const v1::ExitStatus& status = process.exit_status();
  Value value = ExitText(status);
  if (status.has_exit_code()) value.rank = status.exit_code();
  if (status.has_signal()) value.rank = 256 + status.signal();
  // A running process has a mere dash.
  value.colour = ColourOf(process);
  return value;
}

}  // namespace

ProcessWord WordOf(const v1::Process& process) {
  if (IsLost(process)) return ProcessWord::kLost;
  return process.state() == v1::PROCESS_STATE_RUNNING ? ProcessWord::kRunning
                                                      : ProcessWord::kExited;
}

std::string StateText(const v1::Process& process) {
  if (process.state() == v1::PROCESS_STATE_UNSPECIFIED) return "?";
  const ProcessWord word = WordOf(process);
  if (word == ProcessWord::kRunning) return "running";
  const bool crashed = process.exit_status().cause() == v1::EXIT_CAUSE_CRASHED;
  const char* const text = word == ProcessWord::kLost ? "lost" : crashed ? "crashed" : "exited";
  // A server that was lost has left its descendants.
  if (process.survivors() > 0) return absl::StrCat(text, ", ", process.survivors(), " running");
  return word == ProcessWord::kLost && process.tree_empty() ? "lost, none left" : text;
}

Listing ProcessListing() {
  return Listing(
      {{"ID", "ID"},
       {"Name", "NAME"},
       {"State", "STATE"},
       {"Exit", "EXIT"},
       {"Age", "AGE"},
       {"Ran", "RAN"},
       {"PID", "PID"},
       {"Session", "SESSION"},
       {"Started", "STARTED"},
       {"Ended", "ENDED"},
       {"Watcher", "WATCHER"},
       {"Labels", "LABELS"},
       {"Command", "COMMAND"}},
      {"ID", "Name", "State", "Exit", "Age", "Ran", "Command"},
      {"ID", "Name", "State", "Exit", "Ran", "PID", "Started", "Session", "Labels", "Command"});
}

Row ProcessRow(const v1::Process& process, absl::Time now) {
  const absl::Time started = FromProto(process.started_at());
  return {{process.process_id(), process.process_id().substr(0, kShortId)},
          process.spec().name(),
          State(process),
          Exit(process),
          {BriefDuration(now - started), absl::ToDoubleSeconds(now - started)},
          Ran(process, now),
          process.pid() == 0 ? Value("") : Value(absl::StrCat(process.pid()), process.pid()),
          {process.session_id(), process.session_id().substr(0, kShortId)},
          At(started),
          process.has_exit_status() ? At(FromProto(process.exit_status().exited_at())) : "",
          process.watcher(),
          LabelsText(process),
          CommandText(process)};
}

}  // namespace proctor::cli
