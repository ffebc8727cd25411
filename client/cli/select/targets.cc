#include "client/cli/select/targets.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/select/all_at_once.h"
#include "client/cli/select/id_prefix.h"
#include "proctor/client/error.h"

namespace proctor::cli {
namespace {

// Reports the results of targets, one after the other.
class TargetReport {
 public:
  TargetReport(Invocation& invocation, const PrintData& print)
      : invocation_(invocation), print_(print) {}

  void Add(const std::string& name, const TargetResult& result) {
    for (const std::string& note : result.notes) {
      invocation_.console().Say(absl::StrCat(name, ": ", note));
    }
    if (!result.data.empty()) Print(absl::StrCat(result.named ? name + " " : "", result.data));
    code_ = std::max(code_, result.code);
    if (result.error.ok()) return;
    code_ = kExitFailure;
    // Of all that found no server, or lost it, only one reports it.
    const bool gone =
        result.reached ? client::IsLost(result.error) : client::IsUnreachable(result.error);
    if (gone && gone_) return;
    gone_ = gone_ || gone;
    (void)(result.reached ? invocation_.RefuseLost(result.error, name)
                          : invocation_.Refuse(result.error, name));
  }

  int code() const { return code_; }

 private:
  void Print(const std::string& data) {
    if (print_) {
      print_(data);
    } else {
      invocation_.out().Write(data);
    }
  }

  Invocation& invocation_;
  const PrintData& print_;
  int code_ = kExitSuccess;
  bool gone_ = false;
};

template <typename Ids>
int ForEach(Invocation& invocation, const ActOnTarget& act, const PrintData& print) {
  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  const std::vector<std::string>& names = invocation.arguments();
  std::vector<TargetResult> results(names.size());
  Ids ids(*client);
  TargetReport report(invocation, print);
  AllAtOnce(
      names.size(),
      [&](size_t index) {
        std::string id = names[index];
        TargetResult& result = results[index];
        result.error = ids.Complete(&id);
        if (result.error.ok()) act(*client, id, &result);
      },
      [&](size_t index) { report.Add(names[index], results[index]); });
  return report.code();
}

}  // namespace

int ForEachProcess(Invocation& invocation, const ActOnTarget& act, const PrintData& print) {
  return ForEach<ProcessIds>(invocation, act, print);
}

int ForEachProcess(Invocation& invocation, const Selector& selector,
                   const v1::ListProcessesRequest& among, const ActOnTarget& act,
                   const PrintData& print) {
  if (!selector.given()) return ForEachProcess(invocation, act, print);
  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  std::vector<std::string> ids;
  const absl::Status error = selector.List(*client, among, &ids);
  if (!error.ok()) return invocation.Refuse(error);
  if (ids.empty() && !selector.quiet()) invocation.console().Say("no process matches");
  return ForEachFound(invocation, ids, act, print);
}

int ForEachFound(Invocation& invocation, const std::vector<std::string>& ids,
                 const ActOnTarget& act, const PrintData& print) {
  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  std::vector<TargetResult> results(ids.size());
  TargetReport report(invocation, print);
  AllAtOnce(
      ids.size(),
      [&](size_t index) {
        act(*client, ids[index], &results[index]);
        // It has ended, or was forgotten, after the list. That is fine, unless the verb asks how it
        // ended.
        TargetResult& result = results[index];
        const bool gone = absl::IsNotFound(result.error);
        if (gone && !result.reached) result.error = absl::OkStatus();
      },
      [&](size_t index) { report.Add(ids[index], results[index]); });
  return report.code();
}

int ForEachSession(Invocation& invocation, const ActOnTarget& act, const PrintData& print) {
  for (const std::string& id : invocation.arguments()) {
    if (id.empty()) return invocation.console().Fail("the id of a session is empty");
  }
  return ForEach<SessionIds>(invocation, act, print);
}

}  // namespace proctor::cli
