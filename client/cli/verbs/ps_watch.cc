#include "client/cli/verbs/ps_watch.h"

#include <unistd.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/print/process_row.h"
#include "client/cli/print/table.h"
#include "client/cli/text/colour.h"
#include "client/cli/text/screen_painter.h"
#include "client/cli/verbs/event_bell.h"
#include "core/base/return_if_error.h"
#include "proctor/error.h"

namespace proctor::cli {
namespace {

constexpr absl::Duration kRepaint = absl::Seconds(1);

absl::Status List(const client::Client& client, const ProcessFilter& filter,
                  std::vector<v1::Process>* processes) {
  processes->clear();
  return filter.ForEach(client, [&](const v1::Process& process) {
    processes->push_back(process);
    return true;
  });
}

// The parts of a process that count as a change.
std::string LookOf(const v1::Process& process) {
  Row row = ProcessRow(process, absl::UnixEpoch());
  return absl::StrCat(row[kStateField].text, "\n", row[kExitField].text, "\n",
                      row[kLabelsField].text);
}

// A line for each change.
class ChangeLines {
 public:
  ChangeLines(Invocation& invocation, const client::Client& client, const ProcessFilter& filter,
              ProcessView* view, bool coloured, const client::ReconnectPolicy& reconnect)
      : invocation_(invocation),
        client_(client),
        filter_(filter),
        view_(view),
        coloured_(coloured),
        reconnector_(reconnect) {}

  int Run() {
    while (invocation_.out().error() == 0) {
      absl::Status error = Pass();
      // A new list shows what was missed. A client that is too slow for the events is too slow for
      // one list after the other as well.
      const Reason reason = ReasonOf(error);
      if (reason == Reason::kEventsExpired || reason == Reason::kLogChanged) {
        absl::SleepFor(kRepaint);
        continue;
      }
      if (!listed_) return invocation_.Refuse(error);
      if (error.ok()) {
        error = absl::UnavailableError("the server ended the stream too early");
      }
      if (invocation_.out().error() == 0 && !reconnector_.Await(error)) {
        return invocation_.RefuseLost(error, "");
      }
    }
    return kExitFailure;
  }

 private:
  // Lists, and follows the events from before the list on.
  absl::Status Pass() {
    ASSIGN_OR_RETURN(const auto info, client_.GetServerInfo({}, Prompt()));
    std::vector<v1::Process> processes;
    absl::Status error = List(client_, filter_, &processes);
    if (!error.ok()) return error;
    reconnector_.OnAlive();
    Catch(processes);
    v1::WatchEventsRequest request;
    *request.mutable_resume_after() = info.last_event();
    *request.mutable_filter() = filter_.Events();
    const std::unique_ptr<client::EventStream> stream = client_.WatchEvents(request);
    while (const v1::WatchEventsResponse* response = stream->Next()) {
      if (!response->has_event()) continue;
      const v1::Event& event = response->event();
      if (!Concerns(event)) continue;
      error = Look(event.process_id(), event.type() == v1::EVENT_TYPE_PROCESS_STARTED);
      if (error.ok() && invocation_.out().error() == 0) continue;
      stream->Cancel();
      (void)stream->Finish();
      return error;
    }
    return stream->Finish();
  }

  // Prints the list, or after a loss its changes.
  void Catch(const std::vector<v1::Process>& processes) {
    if (!listed_) {
      listed_ = true;
      invocation_.out().Write(view_->All(processes, TerminalColumns(), coloured_));
      for (const v1::Process& process : processes) Remember(process);
      return;
    }
    std::map<std::string, v1::Process> gone = known_;
    for (const v1::Process& process : processes) {
      gone.erase(process.process_id());
      Show(process);
    }
    for (const auto& [id, process] : gone) (void)Look(id, /*started=*/false);
  }

  // Whether the event may change the list. A start has its process; for other events only the
  // server knows it.
  bool Concerns(const v1::Event& event) const {
    return !event.has_process_started() || !event.process_started().has_process() ||
           known_.count(event.process_id()) > 0 ||
           filter_.PassesInAnyState(event.process_started().process());
  }

  // Asks for the present state of a process, and shows it.
  absl::Status Look(const std::string& id, bool started) {
    v1::GetProcessRequest request;
    request.set_process_id(id);
    const auto response = client_.GetProcess(request, Prompt());
    const auto known = known_.find(id);
    if (absl::IsNotFound(response.status())) {
      if (known == known_.end()) return absl::OkStatus();
      Print(known->second, "forgotten");
      known_.erase(known);
      return absl::OkStatus();
    }
    if (!response.ok()) return response.status();
    const v1::Process& process = response->process();
    if (filter_.Passes(process) || known != known_.end() ||
        (started && filter_.PassesInAnyState(process))) {
      Show(process);
    }
    return absl::OkStatus();
  }

  void Show(const v1::Process& process) {
    const auto known = known_.find(process.process_id());
    if (known == known_.end() || LookOf(known->second) != LookOf(process)) Print(process, "");
    Remember(process);
  }

  // Shows an ended process once more at most.
  void Remember(const v1::Process& process) {
    if (filter_.Passes(process)) {
      known_[process.process_id()] = process;
    } else {
      known_.erase(process.process_id());
    }
  }

  void Print(const v1::Process& process, const std::string& state) {
    invocation_.out().Write(view_->One(process, state, TerminalColumns(), coloured_));
  }

  Invocation& invocation_;
  const client::Client& client_;
  const ProcessFilter& filter_;
  ProcessView* const view_;
  const bool coloured_;
  client::Reconnector reconnector_;
  bool listed_ = false;
  std::map<std::string, v1::Process> known_;
};

int Repaint(Invocation& invocation, const client::Client& client, const ProcessFilter& filter,
            ProcessView* view, bool coloured, const client::ReconnectPolicy& reconnect) {
  client::Reconnector reconnector(reconnect);
  EventBell bell(client, filter.Events());
  std::vector<v1::Process> processes;
  ScreenPainter painter;
  // A line wider than the window would wrap, and the next painting would miss its place.
  view->KeepToWidth();
  bool painted = false;
  for (bool changed = true; invocation.out().error() == 0;) {
    if (changed) {
      const absl::Status error = List(client, filter, &processes);
      if (!error.ok() && !painted) return invocation.Refuse(error);
      if (!error.ok() && !reconnector.Await(error)) return invocation.RefuseLost(error, "");
      if (!error.ok()) continue;
      reconnector.OnAlive();
    }
    // Without a change there are the ages.
    invocation.out().Write(
        painter.Show(view->All(processes, TerminalColumns(), coloured), TerminalRows()));
    painted = true;
    changed = bell.AwaitTick(kRepaint);
  }
  return kExitFailure;
}

}  // namespace

int WatchProcesses(Invocation& invocation, const client::Client& client,
                   const ProcessFilter& filter, ProcessView* view, bool coloured,
                   const client::ReconnectPolicy& reconnect) {
  if (view->is_table() && TerminalColumns() > 0 && ObeysEscapes(STDOUT_FILENO)) {
    return Repaint(invocation, client, filter, view, coloured, reconnect);
  }
  return ChangeLines(invocation, client, filter, view, coloured, reconnect).Run();
}

}  // namespace proctor::cli
