// stats: what running processes use at present, as a table that is drawn anew each second.
//
// The load of a processor is the difference of two looks, by their clocks:
//
//     look ──1 s──▶ look ─▶ table ──1 s──▶ look ─▶ table …
#include <unistd.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "client/cli/command/invocation.h"
#include "client/cli/command/verb.h"
#include "client/cli/flags/flag_accept.h"
#include "client/cli/flags/flag_value.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/output/json.h"
#include "client/cli/print/table.h"
#include "client/cli/select/id_prefix.h"
#include "client/cli/select/process_pages.h"
#include "client/cli/text/colour.h"
#include "client/cli/text/escape.h"
#include "client/cli/text/screen_painter.h"
#include "client/cli/text/short_id.h"
#include "core/base/return_if_error.h"

namespace proctor::cli {
namespace {

// The server looks no more often.
constexpr absl::Duration kBetweenLooks = absl::Seconds(1);
// It looks less often with thousands of processes; then we ask this often.
constexpr absl::Duration kBetweenTries = absl::Milliseconds(200);
constexpr int kMostTries = 50;

// In powers of 1024, as sizes are taken: "512B", "12.3M".
std::string BriefSize(uint64_t bytes) {
  if (bytes < 1024) return absl::StrCat(bytes, "B");
  auto size = static_cast<double>(bytes);
  const char* unit = "KMGTPE";
  for (size /= 1024; size >= 1024 && unit[1] != '\0'; size /= 1024) ++unit;
  return size < 100 ? absl::StrFormat("%.1f%c", size, *unit)
                    : absl::StrFormat("%.0f%c", size, *unit);
}

using Usages = std::vector<v1::ProcessUsage>;

class Stats {
 public:
  Stats(const client::Client& client, v1::GetProcessUsageRequest request)
      : client_(client), request_(std::move(request)) {
    request_.set_page_size(kListPageSize);
  }

  // Looks once more; keeps the look before, to compare.
  absl::Status Look() {
    Usages usages;
    v1::GetProcessUsageRequest request = request_;
    do {
      ASSIGN_OR_RETURN(auto page, client_.GetProcessUsage(request, Prompt()));
      for (v1::ProcessUsage& usage : *page.mutable_usages()) usages.push_back(std::move(usage));
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    for (const v1::ProcessUsage& usage : usages) Compare(usage);
    // Ended processes do not come back.
    std::map<std::string, Known> known;
    for (const v1::ProcessUsage& usage : usages) known.insert(known_.extract(usage.process_id()));
    known_ = std::move(known);
    usages_ = std::move(usages);
    return absl::OkStatus();
  }

  const Usages& usages() const { return usages_; }

  // Whether a process was there at both looks, which are of all.
  bool KnowsLoads() const {
    return std::any_of(usages_.begin(), usages_.end(), [this](const v1::ProcessUsage& usage) {
      return known_.at(usage.process_id()).has_load;
    });
  }

  std::string Draw(size_t width, absl::Status* error) {
    *error = LearnCommands();
    const bool named = std::any_of(known_.begin(), known_.end(),
                                   [](const auto& known) { return !known.second.name.empty(); });
    Table table;
    const auto add = [&](std::vector<Cell> cells, const std::string& name) {
      if (named) cells.insert(cells.begin() + 1, Cell(name.empty() ? "-" : name));
      table.Add(std::move(cells));
    };
    add({"ID", "CPU %", "MEM", "LIMIT", "TASKS", "COMMAND"}, "NAME");
    for (const v1::ProcessUsage& usage : usages_) {
      const Known& known = known_[usage.process_id()];
      add({usage.process_id().substr(0, kShortId),
           known.has_load ? absl::StrFormat("%.1f", 100 * known.load) : "-",
           BriefSize(usage.memory_bytes()),
           usage.has_memory_limit_bytes() ? BriefSize(usage.memory_limit_bytes()) : "-",
           absl::StrCat(usage.tasks()), known.command},
          known.name);
    }
    return table.Render(width);
  }

 private:
  struct Known {
    absl::Duration clock;
    absl::Duration cpu_time;
    bool has_load = false;
    double load = 0;
    // Empty until LearnCommands.
    std::string command;
    std::string name;
  };

  void Compare(const v1::ProcessUsage& usage) {
    const absl::Duration clock = FromProto(usage.clock());
    const absl::Duration cpu_time = FromProto(usage.cpu_time());
    const auto [found, is_new] = known_.try_emplace(usage.process_id());
    Known& known = found->second;
    if (!is_new && clock == known.clock) return;  // the same look
    if (!is_new && clock > known.clock) {
      // Less when a member of its tree has gone that no parent has waited for.
      known.load =
          std::max(0.0, absl::FDivDuration(cpu_time - known.cpu_time, clock - known.clock));
      known.has_load = true;
    }
    known.clock = clock;
    known.cpu_time = cpu_time;
  }

  static void Learn(const v1::Process& process, Known* known) {
    known->command = CommandText(process);
    // It has ended since.
    if (known->command.empty()) known->command = "?";
    known->name = process.spec().name();
  }

  // Gets the commands of new processes.
  absl::Status LearnCommands() {
    bool all_known = true;
    for (const v1::ProcessUsage& usage : usages_) {
      all_known = all_known && !known_[usage.process_id()].command.empty();
    }
    if (all_known) return absl::OkStatus();
    if (request_.process_ids_size() == 0) return ListCommands();
    for (const v1::ProcessUsage& usage : usages_) {
      Known& known = known_[usage.process_id()];
      if (!known.command.empty()) continue;
      v1::GetProcessRequest request;
      request.set_process_id(usage.process_id());
      const auto response = client_.GetProcess(request, Prompt());
      if (!response.ok() && !absl::IsNotFound(response.status())) return response.status();
      Learn(response.ok() ? response->process() : v1::Process(), &known);
    }
    return absl::OkStatus();
  }

  absl::Status ListCommands() {
    v1::ListProcessesRequest request;
    request.set_session_id(request_.session_id());
    *request.mutable_labels() = request_.labels();
    request.add_states(v1::PROCESS_STATE_RUNNING);
    absl::Status error = ForEachListed(client_, request, [this](const v1::Process& process) {
      const auto known = known_.find(process.process_id());
      if (known != known_.end()) Learn(process, &known->second);
      return true;
    });
    if (!error.ok()) return error;
    // The list has no process that has ended since.
    for (auto& [id, known] : known_) {
      if (known.command.empty()) known.command = std::string("?");
    }
    return absl::OkStatus();
  }

  const client::Client& client_;
  v1::GetProcessUsageRequest request_;
  Usages usages_;
  std::map<std::string, Known> known_;
};

// Names the wanted processes that do not run.
void TellEnded(const Invocation& invocation, const v1::GetProcessUsageRequest& request,
               const Usages& usages) {
  for (const std::string& id : request.process_ids()) {
    bool runs = false;
    for (const v1::ProcessUsage& usage : usages) runs = runs || usage.process_id() == id;
    if (!runs) invocation.console().Say(absl::StrCat(id.substr(0, kShortId), ": it has ended"));
  }
}

// A look, and further ones until there is something to compare with; not for ever, because all may
// be new each time.
absl::Status LookForLoads(Stats* stats) {
  absl::Status error = stats->Look();
  absl::Duration pause = kBetweenLooks;
  for (int i = 0; i < kMostTries && error.ok() && !stats->usages().empty(); ++i) {
    absl::SleepFor(pause);
    error = stats->Look();
    if (stats->KnowsLoads()) break;
    pause = kBetweenTries;
  }
  return error;
}

}  // namespace

int StatsVerb(Invocation& invocation) {
  bool once = false;
  bool json = false;
  v1::GetProcessUsageRequest request;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Value('l', "label", "K=V", "only those with this label; repeatable",
              AcceptWantedLabel(request.mutable_labels()));
  flags.Text(0, "session", "ID", "only those of this session", request.mutable_session_id());
  flags.Switch(0, "no-stream", "one table, also on a terminal", &once);
  flags.Switch(0, "json", "one JSON object a line, once, with CPU times", &json);
  if (auto code = invocation.Parse(&flags, {})) return *code;

  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  if (!request.session_id().empty()) {
    const absl::Status error = CompleteSessionId(*client, request.mutable_session_id());
    if (!error.ok()) return invocation.Refuse(error);
  }
  ProcessIds ids(*client);
  for (std::string id : invocation.arguments()) {
    const absl::Status error = ids.Complete(&id);
    if (!error.ok()) return invocation.Refuse(error, id);
    request.add_process_ids(id);
  }

  Stats stats(*client, request);
  if (json) {
    const absl::Status error = stats.Look();
    if (!error.ok()) return invocation.Refuse(error);
    for (const v1::ProcessUsage& usage : stats.usages()) invocation.out().Write(JsonLine(usage));
    TellEnded(invocation, request, stats.usages());
    return kExitSuccess;
  }
  absl::Status error = LookForLoads(&stats);
  if (!error.ok()) return invocation.Refuse(error);
  const bool repaints = TerminalColumns() > 0 && ObeysEscapes(STDOUT_FILENO) && !once;
  ScreenPainter painter;
  for (;;) {
    const std::string table = stats.Draw(TerminalColumns(), &error);
    if (!error.ok()) return invocation.Refuse(error);
    invocation.out().Write(repaints ? painter.Show(table, TerminalRows()) : table);
    const bool over = request.process_ids_size() > 0 && stats.usages().empty();
    if (!repaints || over || invocation.out().error() != 0) break;
    absl::SleepFor(kBetweenLooks);
    error = stats.Look();
    if (!error.ok()) return invocation.RefuseLost(error, "");
  }
  TellEnded(invocation, request, stats.usages());
  return kExitSuccess;
}

}  // namespace proctor::cli
