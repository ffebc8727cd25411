#include "core/session/session_requests.h"

#include "absl/strings/str_cat.h"
#include "core/base/error.h"

namespace proctor {

absl::StatusOr<std::string> SessionRequests::OpenOnce(
    const std::string& request_id, const SessionOptions& options,
    const std::function<absl::StatusOr<std::string>()>& open) {
  {
    absl::MutexLock lock(&mutex_);
    for (;;) {
      auto [found, is_new] = requests_.try_emplace(request_id, Request{options, ""});
      if (is_new) break;
      const Request& earlier = found->second;
      if (!(earlier.options == options)) {
        return MakeError(
            absl::StatusCode::kAlreadyExists, "REQUEST_ID_REUSED",
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
  past_.push_back(request_id);
  if (past_.size() > max_requests_) {
    requests_.erase(past_.front());
    past_.pop_front();
  }
  return session_id;
}

}  // namespace proctor
