#include "client/cli/select/selector.h"

#include <utility>

#include "client/cli/flags/flag_accept.h"
#include "client/cli/select/process_pages.h"

namespace proctor::cli {

void Selector::AddTo(FlagSet* flags, const std::string& all) {
  flags->Value('l', "label", "K=V", "in place of ids: those with this label; repeatable",
               AcceptWantedLabel(&labels_));
  flags->Switch(0, "all", "in place of ids: " + all, &all_);
  flags->Switch('q', "quiet", "with -l or --all: nothing is said where none is found", &quiet_);
}

std::optional<int> Selector::Check(const Invocation& invocation) const {
  const Console& console = invocation.console();
  if (all_ && !labels_.empty()) return console.Fail("--all and --label exclude each other");
  if (given() && !invocation.arguments().empty()) {
    return console.Fail("ids do not go together with --label and --all");
  }
  if (quiet_ && !given()) return console.Fail("-q goes together with --label or --all");
  if (given() || !invocation.arguments().empty()) return std::nullopt;
  return console.Fail("which processes? Give ids, --label or --all; see --help");
}

absl::Status Selector::List(const client::Client& client, v1::ListProcessesRequest among,
                            std::vector<std::string>* ids) const {
  *among.mutable_labels() = labels_;
  return ForEachListed(client, std::move(among), [&](const v1::Process& process) {
    if (!pass_ || pass_(process)) ids->push_back(process.process_id());
    return true;
  });
}

}  // namespace proctor::cli
