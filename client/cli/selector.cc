#include "client/cli/selector.h"

#include "client/cli/flag_accept.h"

namespace proctor::cli {
namespace {

constexpr int kPageSize = 1000;

}  // namespace

void Selector::AddTo(FlagSet* flags, const std::string& all) {
  flags->Value('l', "label", "K=V", "in place of ids: those with this label; repeatable",
               AcceptLabel(&labels_));
  flags->Switch(0, "all", "in place of ids: " + all, &all_);
  flags->Switch('q', "quiet", "with -l or --all: nothing is said where none is found", &quiet_);
}

std::optional<int> Selector::Check(const Invocation& invocation) const {
  const Console& console = invocation.console();
  if (all_ && !labels_.empty()) return console.Fail("--all and --label exclude each other");
  if (given() && !invocation.arguments().empty()) {
    return console.Fail("ids do not go together with --label and --all");
  }
  if (given() || !invocation.arguments().empty()) return std::nullopt;
  return console.Fail("which processes? Give ids, --label or --all; see --help");
}

client::Error Selector::List(const client::Client& client, v1::ListProcessesRequest among,
                             std::vector<std::string>* ids) const {
  *among.mutable_labels() = labels_;
  among.set_page_size(kPageSize);
  do {
    v1::ListProcessesResponse page;
    client::Error error = client.ListProcesses(among, &page, Prompt());
    if (!error.ok()) return error;
    for (const v1::Process& process : page.processes()) ids->push_back(process.process_id());
    among.set_page_token(page.next_page_token());
  } while (!among.page_token().empty());
  return {};
}

}  // namespace proctor::cli
