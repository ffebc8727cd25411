#include "core/session/start_requests.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"

namespace proctor {
namespace {

absl::Status ForgottenError(const std::string& request_id, const std::string& process_id) {
  return MakeError(absl::StatusCode::kNotFound, "PROCESS_NOT_FOUND",
                   absl::StrCat("request_id '", request_id, "' started process '", process_id,
                                "', which ended and is forgotten"),
                   {{"process_id", process_id}, {"request_id", request_id}});
}

}  // namespace

absl::StatusOr<std::string> StartRequests::Find(const std::string& request_id,
                                                const Command& command) const {
  auto found = requests_.find(request_id);
  if (found == requests_.end()) return std::string();
  const Request& request = found->second;
  if (request.process_id.empty()) {
    return MakeError(absl::StatusCode::kCancelled, "START_CANCELLED",
                     absl::StrCat("the start of request_id '", request_id, "' was cancelled"),
                     {{"request_id", request_id}});
  }
  if (request.command == nullptr) return ForgottenError(request_id, request.process_id);
  if (*request.command == command) return request.process_id;
  return MakeError(absl::StatusCode::kAlreadyExists, "REQUEST_ID_REUSED",
                   absl::StrCat("request_id '", request_id, "' was used to start another command"),
                   {{"field", "request_id"}, {"process_id", request.process_id}});
}

void StartRequests::OnStarted(const std::string& request_id, const std::string& process_id,
                              std::shared_ptr<const Command> command) {
  requests_[request_id] = {process_id, std::move(command)};
  by_process_[process_id] = request_id;
}

void StartRequests::OnForgotten(const std::string& process_id) {
  auto found = by_process_.find(process_id);
  if (found == by_process_.end()) return;
  const std::string request_id = std::move(found->second);
  by_process_.erase(found);
  requests_[request_id].command = nullptr;
  AddPast(request_id);
}

absl::StatusOr<std::string> StartRequests::Cancel(const std::string& request_id) {
  auto [found, is_new] = requests_.try_emplace(request_id);
  const Request request = found->second;
  if (is_new) AddPast(request_id);
  if (!request.process_id.empty() && request.command == nullptr) {
    return ForgottenError(request_id, request.process_id);
  }
  return request.process_id;
}

void StartRequests::AddPast(const std::string& request_id) {
  past_.push_back(request_id);
  if (past_.size() <= max_past_) return;
  requests_.erase(past_.front());
  past_.pop_front();
}

}  // namespace proctor
