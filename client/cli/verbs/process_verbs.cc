// kill, stop, update, inspect and rm: one short call for each process that is named.
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/command/invocation.h"
#include "client/cli/command/verb.h"
#include "client/cli/flags/flag_accept.h"
#include "client/cli/flags/flag_value.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/output/json.h"
#include "client/cli/print/lost_process.h"
#include "client/cli/select/selector.h"
#include "client/cli/select/targets.h"
#include "core/base/return_if_error.h"
#include "proctor/error.h"

namespace proctor::cli {
namespace {

// A process with all of its specification, which may come in pages.
absl::Status GetWhole(const client::Client& client, const std::string& id, v1::Process* process) {
  v1::GetProcessRequest request;
  request.set_process_id(id);
  do {
    ASSIGN_OR_RETURN(const auto page, client.GetProcess(request, Prompt()));
    process->MergeFrom(page.process());  // appends arguments and variables
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  process->clear_spec_omitted();
  return absl::OkStatus();
}

// The processes that a signal may reach: with `tree` also ended ones with something left.
v1::ListProcessesRequest WhatRuns(bool tree) {
  v1::ListProcessesRequest request;
  request.add_states(v1::PROCESS_STATE_RUNNING);
  request.set_include_survivors(tree);
  return request;
}

}  // namespace

int KillVerb(Invocation& invocation) {
  std::optional<std::string> signal;
  bool group = false;
  bool tree = false;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Value('s', "signal", "SIGNAL",
              "by name or number (KILL, to the process group); 0 asks whether it runs",
              AcceptText([&](const std::string& text) { signal = text; }));
  flags.Switch('g', "group", "a signal that is named: to its group, not to it alone", &group);
  flags.Switch(0, "tree", "to it and all its descendants, also once it has ended", &tree);
  Selector selector;
  selector.AddTo(&flags, "all that run");
  if (auto code = invocation.Parse(&flags, {})) return *code;
  if (auto code = selector.Check(invocation)) return *code;
  if (group && tree) return invocation.console().Fail("--group and --tree exclude each other");
  // A user that only wants it gone does not want its descendants to go on.
  group = group || !signal.has_value();
  // Signal 0 is not sent: as with kill(1) it asks whether the process runs.
  const bool asks = signal == "0";
  v1::SignalProcessRequest request;
  request.set_signal(signal.value_or("KILL"));
  request.set_scope(tree    ? v1::SIGNAL_SCOPE_TREE
                    : group ? v1::SIGNAL_SCOPE_GROUP
                            : v1::SIGNAL_SCOPE_LEADER);
  const auto act = [=](const client::Client& client, const std::string& id, TargetResult* result) {
    v1::SignalProcessRequest one = request;
    one.set_process_id(id);
    const auto response = client.SignalProcess(one, Prompt());
    result->error = response.status();
    if (asks && ReasonOf(result->error) == Reason::kProcessExited) {
      result->error = absl::OkStatus();
      result->code = kExitNo;
      result->notes.push_back(tree ? "nothing of it runs" : "it does not run");
    }
    if (!response.ok() || !tree || asks) return;
    if (response->tree_mechanism() == v1::TREE_MECHANISM_WALK) {
      result->notes.push_back(
          "its descendants were found by a walk over /proc, for want of a control group");
    } else if (response->tree_mechanism() == v1::TREE_MECHANISM_GROUP) {
      result->notes.push_back(
          "only its process group was reached: the server has no control group and no /proc");
    }
  };
  return ForEachProcess(invocation, selector, WhatRuns(tree), act);
}

int StopVerb(Invocation& invocation) {
  v1::StopProcessRequest request;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Value('t', "grace", "DURATION", "the time to act on the signal",
              AcceptDuration([&] { return request.mutable_stop_policy()->mutable_grace(); }));
  flags.Value('s', "signal", "SIGNAL", "the first signal", AcceptText([&](const auto& text) {
                request.mutable_stop_policy()->set_signal(text);
              }));
  flags.Action(0, "tree", "with all its descendants, also those that outlive it",
               [&] { request.mutable_stop_policy()->set_scope(v1::SIGNAL_SCOPE_TREE); });
  Selector selector;
  selector.AddTo(&flags, "all that run");
  if (auto code = invocation.Parse(&flags, {})) return *code;
  if (auto code = selector.Check(invocation)) return *code;
  const auto act = [&request](const client::Client& client, const std::string& id,
                              TargetResult* result) {
    v1::StopProcessRequest one = request;
    one.set_process_id(id);
    // Without a deadline: the grace decides.
    const auto response = client.StopProcess(one);
    result->error = response.status();
    if (!response.ok()) return;
    const v1::Process& process = response->process();
    if (!IsLost(process) || process.tree_empty()) return;
    result->code = kExitFailure;
    result->notes.push_back(absl::StrCat("nobody could stop it: ", UnknownEndText(process)));
  };
  const bool tree = request.stop_policy().scope() == v1::SIGNAL_SCOPE_TREE;
  return ForEachProcess(invocation, selector, WhatRuns(tree), act);
}

int UpdateVerb(Invocation& invocation) {
  bool json = false;
  v1::UpdateProcessRequest request;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Value('l', "label", "K=V", "set a label; repeatable", [&](const std::string& text) {
    const auto label = ParseKeyValue(text);
    if (!label.ok()) return label.status();
    if (label->second.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", text, "' has no value; --unlabel removes a label"));
    }
    (*request.mutable_labels())[label->first] = label->second;
    return absl::OkStatus();
  });
  flags.Value(0, "unlabel", "K", "remove a label; repeatable",
              AcceptText([&](const std::string& key) { (*request.mutable_labels())[key] = ""; }));
  flags.Value(
      0, "retain", "BYTES", "what the server keeps of its output, such as 64K or 1M",
      AcceptPositiveSize([&](uint64_t size) { request.mutable_output()->set_retain_bytes(size); }));
  flags.Value(0, "overflow", "block|drop", "what happens when that is full",
              AcceptOverflow([&] { return request.mutable_output(); }));
  flags.Switch(0, "json", "the changed process as one JSON object a line", &json);
  if (auto code = invocation.Parse(&flags, {.least = 1})) return *code;
  if (request.labels().empty() && !request.has_output()) {
    return invocation.console().Fail(
        "nothing to change: give --label, --unlabel, --retain or --overflow");
  }
  return ForEachProcess(
      invocation, [&](const client::Client& client, const std::string& id, TargetResult* result) {
        v1::UpdateProcessRequest one = request;
        one.set_process_id(id);
        const auto response = client.UpdateProcess(one, Prompt());
        result->error = response.status();
        if (response.ok() && json) result->data = JsonLine(response->process());
      });
}

int InspectVerb(Invocation& invocation) {
  bool json = false;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch(0, "json", "one line for each", &json);
  Selector selector;
  selector.AddTo(&flags, "all, ended ones too");
  if (auto code = invocation.Parse(&flags, {})) return *code;
  if (auto code = selector.Check(invocation)) return *code;
  const ActOnTarget act = [json](const client::Client& client, const std::string& id,
                                 TargetResult* result) {
    v1::Process process;
    result->error = GetWhole(client, id, &process);
    if (!result->error.ok()) return;
    result->data = json ? JsonLine(process) : JsonText(process);
    if (!json && IsLost(process)) {
      result->notes.push_back(absl::StrCat("how it ended is unknown: ", UnknownEndText(process)));
    }
  };
  const bool alone = invocation.arguments().size() == 1;
  if (json || alone) return ForEachProcess(invocation, selector, {}, act);
  JsonArray array(&invocation.out());
  const int code = ForEachProcess(invocation, selector, {}, act,
                                  [&array](const std::string& data) { array.Add(data); });
  array.End();
  return code;
}

int RmVerb(Invocation& invocation) {
  bool force = false;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch('f', "force", "kill it first if it still runs", &force);
  Selector selector;
  selector.AddTo(&flags, "all that ended, and do not run on; with -f all");
  if (auto code = invocation.Parse(&flags, {})) return *code;
  if (auto code = selector.Check(invocation)) return *code;
  const auto act = [force](const client::Client& client, const std::string& id,
                           TargetResult* result) {
    v1::RemoveProcessRequest request;
    request.set_process_id(id);
    request.set_force(force);
    result->error = client.RemoveProcess(request, Prompt()).status();
  };
  v1::ListProcessesRequest among;
  size_t kept = 0;
  if (!force) {
    among.add_states(v1::PROCESS_STATE_EXITED);
    among.add_states(v1::PROCESS_STATE_DRAINED);
    // The user has not named them: they are not forgotten by the way.
    selector.TakeOnly([&kept](const v1::Process& process) {
      if (MayRunOn(process)) ++kept;
      return !MayRunOn(process);
    });
  }
  const int code = ForEachProcess(invocation, selector, among, act);
  if (kept > 0) invocation.console().Say(KeptText(kept, "-f, or their ids, forget them"));
  return code;
}

}  // namespace proctor::cli
