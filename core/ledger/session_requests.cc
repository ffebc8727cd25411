#include "core/ledger/session_requests.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "proctor/error.h"

namespace proctor {
namespace {

// The same text for the same options, in every version that knows the same options.
std::string Describe(const SessionOptions& options) {
  std::string text = absl::StrCat(
      options.policy, "\n", options.watcher, "\n", options.is_default, "\n",
      absl::ToInt64Nanoseconds(options.lease), "\n", static_cast<int>(options.on_lease_expiry),
      "\n", options.quota.max_running_processes, "\n", options.quota.max_output_bytes);
  for (const auto& [key, value] : options.labels) {
    absl::StrAppend(&text, "\n", key.size(), " ", value.size(), " ", key, value);
  }
  return text;
}

}  // namespace

absl::StatusOr<std::string> SessionRequests::OpenOnce(
    const std::string& request_id, const SessionOptions& options,
    const std::function<absl::StatusOr<std::string>()>& open) {
  const std::string asked = Describe(options);
  {
    absl::MutexLock lock(&mutex_);
    for (;;) {
      auto [found, is_new] = requests_.try_emplace(request_id, Request{asked, ""});
      if (is_new) break;
      const Request& earlier = found->second;
      if (earlier.asked != asked) {
        return MakeError(
            absl::StatusCode::kAlreadyExists, Reason::kRequestIdReused,
            absl::StrCat("request_id '", request_id, "' was used to open another session"),
            {{"field", "request_id"}, {"session_id", earlier.session_id}});
      }
      if (!earlier.session_id.empty()) return earlier.session_id;
      opened_.Wait(&mutex_);
    }
  }
  auto session_id = open();
  absl::MutexLock lock(&mutex_);
  opened_.SignalAll();
  if (!session_id.ok()) {
    requests_.erase(request_id);
    return session_id;
  }
  requests_[request_id].session_id = *session_id;
  AddPastLocked(request_id);
  return session_id;
}

void SessionRequests::AddPastLocked(const std::string& request_id) {
  past_.push_back(request_id);
  if (past_.size() <= max_requests_) return;
  auto oldest = requests_.find(past_.front());
  if (oldest->second.ordinal != 0) {
    forgotten_.push_back({StateKind::kSessionRequest, oldest->second.ordinal,
                          oldest->second.session_id, "", /*removed=*/true});
  }
  requests_.erase(oldest);
  past_.pop_front();
}

StateChange SessionRequests::RowOf(const std::string& request_id, const std::string& session_id) {
  absl::MutexLock lock(&mutex_);
  Request& request = requests_.at(request_id);
  request.ordinal = ++last_ordinal_;
  return {StateKind::kSessionRequest, request.ordinal, session_id,
          EncodeRequest({"", request_id, session_id, request.asked})};
}

std::vector<StateChange> SessionRequests::TakeForgotten() {
  absl::MutexLock lock(&mutex_);
  return std::exchange(forgotten_, {});
}

void SessionRequests::Restore(uint64_t ordinal, StoredRequest stored) {
  absl::MutexLock lock(&mutex_);
  last_ordinal_ = std::max(last_ordinal_, ordinal);
  requests_[stored.request_id] = {std::move(stored.asked), std::move(stored.subject), ordinal};
  AddPastLocked(stored.request_id);
}

}  // namespace proctor
