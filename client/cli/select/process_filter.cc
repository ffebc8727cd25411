#include "client/cli/select/process_filter.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/flags/flag_accept.h"
#include "client/cli/flags/flag_value.h"
#include "client/cli/select/id_prefix.h"
#include "client/cli/select/process_pages.h"
#include "core/base/return_if_error.h"
#include "core/base/selection.h"

namespace proctor::cli {
namespace {

constexpr char kLabelPrefix[] = "label.";

}  // namespace

void ProcessFilter::AddTo(FlagSet* flags, char letter) {
  flags->Value(letter, "filter", "KEY=VALUE",
               "only those: label.K=V, state=running|exited|lost or session=ID; repeatable",
               [this](const std::string& text) { return Accept(text); });
  flags->Value('l', "label", "K=V", "the same as --filter label.K=V; repeatable",
               AcceptWantedLabel(request_.mutable_labels()));
  flags->Value(0, "session", "ID", "the same as --filter session=ID",
               [this](const std::string& text) { return AcceptSession(text); });
}

absl::Status ProcessFilter::Accept(const std::string& text) {
  ASSIGN_OR_RETURN(const auto filter, ParseKeyValue(text));
  const auto& [key, value] = filter;
  if (absl::StartsWith(key, kLabelPrefix) && key.size() > sizeof(kLabelPrefix) - 1) {
    return AcceptWantedLabel(request_.mutable_labels())(text.substr(sizeof(kLabelPrefix) - 1));
  }
  if (key == "session") {
    return AcceptSession(value);
  }
  if (key == "state") {
    return AcceptWord({{"running", static_cast<int>(ProcessWord::kRunning)},
                       {"exited", static_cast<int>(ProcessWord::kExited)},
                       {"lost", static_cast<int>(ProcessWord::kLost)}},
                      [this](int word) { AddWord(static_cast<ProcessWord>(word)); })(value);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", key, "' is not 'label.K', 'state' or 'session'"));
}

absl::Status ProcessFilter::AcceptSession(const std::string& id) {
  if (id.empty()) return absl::InvalidArgumentError("the value is empty");
  const std::string& known = request_.session_id();
  if (!known.empty() && known != id) {
    return absl::InvalidArgumentError(
        absl::StrCat("two sessions are asked for, '", known, "' and '", id, "'"));
  }
  request_.set_session_id(id);
  return absl::OkStatus();
}

void ProcessFilter::AddWord(ProcessWord word) {
  words_.insert(word);
  if (word == ProcessWord::kRunning) {
    request_.add_states(v1::PROCESS_STATE_RUNNING);
  } else {
    request_.add_states(v1::PROCESS_STATE_EXITED);
    request_.add_states(v1::PROCESS_STATE_DRAINED);
  }
}

bool ProcessFilter::AddDefault(ProcessWord word) {
  if (words_.empty()) defaults_ = true;
  if (defaults_) AddWord(word);
  return defaults_;
}

absl::Status ProcessFilter::Complete(const client::Client& client) {
  if (request_.session_id().empty()) return absl::OkStatus();
  return CompleteSessionId(client, request_.mutable_session_id());
}

absl::Status ProcessFilter::ForEach(const client::Client& client,
                                    const std::function<bool(const v1::Process&)>& take) const {
  return ForEachListed(client, request_, [&](const v1::Process& process) {
    return !HasState(process) || take(process);
  });
}

bool ProcessFilter::Passes(const v1::Process& process) const {
  return HasState(process) && PassesInAnyState(process);
}

bool ProcessFilter::PassesInAnyState(const v1::Process& process) const {
  if (!request_.session_id().empty() && process.session_id() != request_.session_id()) return false;
  return HasLabels(process.spec().labels(), request_.labels());
}

bool ProcessFilter::HasState(const v1::Process& process) const {
  if (words_.empty() || words_.count(WordOf(process)) > 0) return true;
  return request_.include_survivors() && process.survivors() > 0;
}

v1::EventFilter ProcessFilter::Events() const {
  v1::EventFilter filter;
  if (!request_.session_id().empty()) filter.add_session_ids(request_.session_id());
  for (const v1::EventType type :
       {v1::EVENT_TYPE_PROCESS_STARTED, v1::EVENT_TYPE_PROCESS_EXITED,
        v1::EVENT_TYPE_PROCESS_REMOVED, v1::EVENT_TYPE_PROCESS_UPDATED}) {
    filter.add_types(type);
  }
  // Without the labels: that one was removed is an event, too.
  return filter;
}

}  // namespace proctor::cli
