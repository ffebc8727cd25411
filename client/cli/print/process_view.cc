#include "client/cli/print/process_view.h"

#include "absl/time/clock.h"
#include "client/cli/output/json.h"

namespace proctor::cli {

void ProcessView::AddTo(FlagSet* flags) {
  flags->Switch('q', "quiet", "only ids, whole ones", &quiet_);
  listing_.OmitIfEmpty("Name");
  listing_.AddTo(flags);
  flags->Switch(0, "json", "one JSON object a line", &json_);
}

absl::Status ProcessView::Check() const {
  if (quiet_ && json_) return absl::InvalidArgumentError("-q and --json exclude each other");
  return listing_.Check(quiet_ ? "-q" : json_ ? "--json" : "");
}

std::string ProcessView::All(const std::vector<v1::Process>& processes, size_t width,
                             bool coloured) {
  const absl::Time now = absl::Now();
  listing_.Clear();
  for (const v1::Process& process : processes) listing_.Add(ProcessRow(process, now));
  if (!json_ && !quiet_) return listing_.Render(width, coloured);
  std::string text;
  for (const size_t index : listing_.Order()) {
    text += json_ ? JsonLine(processes[index]) : processes[index].process_id() + "\n";
  }
  return text;
}

std::string ProcessView::One(const v1::Process& process, const std::string& state, size_t width,
                             bool coloured) {
  if (json_) return state.empty() ? JsonLine(process) : "";
  if (quiet_) return process.process_id() + "\n";
  Row row = ProcessRow(process, absl::Now());
  if (!state.empty()) row[kStateField] = state;
  listing_.Clear();
  listing_.Add(std::move(row));
  return listing_.RenderMore(width, coloured);
}

}  // namespace proctor::cli
