#include "client/cli/print/event_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "client/cli/flags/flag_value.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/text/escape.h"
#include "client/cli/text/local_time.h"
#include "client/cli/text/short_id.h"
#include "core/base/printable_text.h"
#include "core/base/selection.h"

namespace proctor::cli {
namespace {

// "EOF" of DRAIN_REASON_EOF.
std::string DrainText(v1::DrainReason reason) {
  constexpr absl::string_view kPrefix = "DRAIN_REASON_";
  return std::string(absl::StripPrefix(v1::DrainReason_Name(reason), kPrefix));
}

// The reason when the end is unknown.
std::string ExitParticulars(const v1::ExitStatus& status) {
  const std::string& reason = status.unknown().reason();
  return absl::StrCat("exit=", ExitText(status), reason.empty() ? "" : " reason=", reason,
                      status.cause() == v1::EXIT_CAUSE_CRASHED ? " cause=CRASHED" : "");
}

// " name=web", or nothing.
std::string NameText(const v1::Process& process) {
  const std::string& name = process.spec().name();
  return name.empty() ? "" : absl::StrCat(" name=", name);
}

std::string Particulars(const v1::Event& event) {
  switch (event.detail_case()) {
    case v1::Event::kSessionOpened:
      return absl::StrCat("policy=", event.session_opened().session().policy(),
                          " watcher=", event.session_opened().session().watcher());
    case v1::Event::kSessionClosed:
      return absl::StrCat("reason=", event.session_closed().reason());
    case v1::Event::kProcessStarted:
      return absl::StrCat("pid=", event.process_started().process().pid(),
                          NameText(event.process_started().process()), " ",
                          CommandText(event.process_started().process()));
    case v1::Event::kProcessExited:
      return ExitParticulars(event.process_exited().exit_status());
    case v1::Event::kOutputDrained:
      return absl::StrCat("reason=", DrainText(event.output_drained().reason()));
    case v1::Event::kProcessSignalled:
      return absl::StrCat("signal=", event.process_signalled().signal(),
                          " by=", event.process_signalled().requested_by());
    case v1::Event::kProcessOom:
      return absl::StrCat("killed=", event.process_oom().killed());
    case v1::Event::kProcessRemoved:
      return absl::StrCat("reason=", event.process_removed().reason());
    case v1::Event::kWatcherChanged:
      return absl::StrCat("from=", event.watcher_changed().from(),
                          " to=", event.watcher_changed().to());
    default:
      return "";
  }
}

}  // namespace

std::string EventLine(const v1::Event& event) {
  std::string type = v1::EventType_IsValid(event.type())
                         ? v1::EventType_Name(event.type()).substr(sizeof("EVENT_TYPE_") - 1)
                         : absl::StrCat(static_cast<int>(event.type()));
  const std::string process = event.process_id().substr(0, kShortId);
  const std::string session = event.session_id().substr(0, kShortId);
  std::string line = absl::StrFormat("%s %6d %-17s %-12s %-12s %s",
                                     LocalTimeWithMilliseconds(FromProto(event.time())),
                                     event.sequence(), type, process.empty() ? "-" : process,
                                     session.empty() ? "-" : session, Particulars(event));
  line.erase(line.find_last_not_of(' ') + 1);
  return Printable(line) + "\n";
}

bool Passes(const v1::EventFilter& filter, const v1::Event& event) {
  return HasLabels(event.labels(), filter.labels()) &&
         IsSelected(filter.session_ids(), event.session_id()) &&
         IsSelected(filter.process_ids(), event.process_id()) &&
         IsSelected(filter.types(), static_cast<int>(event.type()));
}

}  // namespace proctor::cli
