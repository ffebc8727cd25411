#include "core/ledger/start_requests.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/return_if_error.h"
#include "proctor/error.h"

namespace proctor {

absl::Status StartRequests::ForgottenError(const std::string& request_id, const Request& request) {
  return MakeError(absl::StatusCode::kNotFound, Reason::kProcessNotFound,
                   absl::StrCat("request_id '", request_id, "' started process '",
                                request.process_id, "', which ended and is forgotten"),
                   {{"process_id", request.process_id}, {"request_id", request_id}});
}

StateChange StartRequests::Removal(const Request& request) {
  return {StateKind::kStartRequest, request.ordinal, request.process_id, "", /*removed=*/true};
}

const StartRequests::Request* StartRequests::FindLocked(const std::string& scope,
                                                        const std::string& request_id) const {
  auto found_scope = scopes_.find(scope);
  if (found_scope == scopes_.end()) return nullptr;
  auto found = found_scope->second.requests.find(request_id);
  return found == found_scope->second.requests.end() ? nullptr : &found->second;
}

bool StartRequests::EqualTo(const Request& request, const Command& command) const {
  if (request.command != nullptr) return *request.command == command;
  return codec_ != nullptr && request.asked == codec_->Digest(command);
}

absl::StatusOr<std::string> StartRequests::Find(const std::string& scope,
                                                const std::string& request_id,
                                                const Command& command) const {
  Request request;
  {
    absl::ReaderMutexLock lock(&mutex_);
    const Request* found = FindLocked(scope, request_id);
    if (found == nullptr) return std::string();
    request = *found;
  }
  if (request.process_id.empty()) {
    return MakeError(absl::StatusCode::kCancelled, Reason::kStartCancelled,
                     absl::StrCat("the start of request_id '", request_id, "' was cancelled"),
                     {{"request_id", request_id}});
  }
  if (request.forgotten) return ForgottenError(request_id, request);
  if (EqualTo(request, command)) return request.process_id;
  return MakeError(absl::StatusCode::kAlreadyExists, Reason::kRequestIdReused,
                   absl::StrCat("request_id '", request_id, "' was used to start another command"),
                   {{"field", "request_id"}, {"process_id", request.process_id}});
}

absl::StatusOr<std::string> StartRequests::FindAny(const std::string& scope,
                                                   const std::string& request_id) const {
  absl::ReaderMutexLock lock(&mutex_);
  const Request* found = FindLocked(scope, request_id);
  if (found == nullptr) return std::string();
  if (found->forgotten) return ForgottenError(request_id, *found);
  return found->process_id;
}

absl::Status StartRequests::Begin(const std::string& scope, const std::string& request_id,
                                  const ProcessInfo& intent) {
  Request request;
  request.process_id = intent.id;
  request.command = intent.command;
  StateChange change{StateKind::kStartRequest, 0, intent.id};
  if (events_->stored()) {
    request.asked = codec_->Digest(*intent.command);
    change.body = EncodeRequest(
        {scope, request_id, intent.id, request.asked, /*forgotten=*/false, codec_->Encode(intent)});
  }
  {
    absl::MutexLock lock(&mutex_);
    change.ordinal = request.ordinal = ++last_ordinal_;
    scopes_[scope].requests[request_id] = std::move(request);
    by_process_[intent.id] = {scope, request_id};
  }
  absl::Status recorded = events_->Record(std::move(change));
  if (!recorded.ok()) {
    absl::MutexLock lock(&mutex_);
    EraseLocked({scope, request_id});
  }
  return recorded;
}

void StartRequests::EraseLocked(const Key& key) {
  auto scope = scopes_.find(key.scope);
  auto request = scope->second.requests.find(key.request_id);
  by_process_.erase(request->second.process_id);
  scope->second.requests.erase(request);
  if (scope->second.requests.empty()) scopes_.erase(scope);
}

void StartRequests::Withdraw(const std::string& process_id) {
  StateChange removal;
  {
    absl::MutexLock lock(&mutex_);
    const Key key = by_process_.at(process_id);
    removal = Removal(*FindLocked(key.scope, key.request_id));
    EraseLocked(key);
  }
  // At once: after a crash a repetition would else hear that the process may have run. If the store
  // refuses, the removal is recorded with the next event.
  if (!events_->Record(removal).ok()) events_->Change(std::move(removal));
}

std::vector<StateChange> StartRequests::Forget(const std::string& process_id) {
  std::vector<StateChange> changes;
  absl::MutexLock lock(&mutex_);
  auto found = by_process_.find(process_id);
  if (found == by_process_.end()) return changes;
  const Key key = std::move(found->second);
  Scope& scope = scopes_.at(key.scope);
  Request& request = scope.requests.at(key.request_id);
  if (scope.closed) {
    changes.push_back(Removal(request));
    EraseLocked(key);
    return changes;
  }
  by_process_.erase(found);
  request.command = nullptr;
  request.forgotten = true;
  changes.push_back({StateKind::kStartRequest, request.ordinal, process_id,
                     EncodeRequest({key.scope, key.request_id, process_id, request.asked,
                                    /*forgotten=*/true, ""})});
  AddPastLocked(scope, key.request_id, &changes);
  return changes;
}

absl::StatusOr<std::string> StartRequests::Cancel(const std::string& scope,
                                                  const std::string& request_id) {
  StateChange tombstone{StateKind::kStartRequest};
  {
    absl::MutexLock lock(&mutex_);
    if (const Request* found = FindLocked(scope, request_id)) {
      if (found->forgotten) return ForgottenError(request_id, *found);
      return found->process_id;
    }
    tombstone.ordinal = ++last_ordinal_;
  }
  if (events_->stored()) tombstone.body = EncodeRequest({scope, request_id});
  const uint64_t ordinal = tombstone.ordinal;
  RETURN_IF_ERROR(events_->Record(std::move(tombstone)));
  std::vector<StateChange> changes;
  {
    absl::MutexLock lock(&mutex_);
    Scope& kept = scopes_[scope];
    kept.requests[request_id].ordinal = ordinal;
    AddPastLocked(kept, request_id, &changes);
  }
  for (StateChange& change : changes) events_->Change(std::move(change));
  return std::string();
}

void StartRequests::AddPastLocked(Scope& scope, const std::string& request_id,
                                  std::vector<StateChange>* changes) {
  scope.past.push_back(request_id);
  if (scope.past.size() <= max_past_) return;
  auto oldest = scope.requests.find(scope.past.front());
  changes->push_back(Removal(oldest->second));
  scope.requests.erase(oldest);
  scope.past.pop_front();
}

void StartRequests::CloseScope(const std::string& scope) {
  if (scope == kDefaultScope) return;
  std::vector<StateChange> changes;
  {
    absl::MutexLock lock(&mutex_);
    auto found = scopes_.find(scope);
    if (found == scopes_.end()) return;
    Scope& closed = found->second;
    closed.closed = true;
    for (const std::string& request_id : std::exchange(closed.past, {})) {
      auto request = closed.requests.find(request_id);
      changes.push_back(Removal(request->second));
      closed.requests.erase(request);
    }
    if (closed.requests.empty()) scopes_.erase(found);
  }
  for (StateChange& change : changes) events_->Change(std::move(change));
}

std::vector<StateChange> StartRequests::Restore(uint64_t ordinal, StoredRequest stored) {
  std::vector<StateChange> changes;
  absl::MutexLock lock(&mutex_);
  last_ordinal_ = std::max(last_ordinal_, ordinal);
  Scope& scope = scopes_[stored.scope];
  const bool past = stored.forgotten || stored.subject.empty();
  // No session outlives its server.
  scope.closed = stored.scope != kDefaultScope;
  if (scope.closed && past) {
    if (scope.requests.empty()) scopes_.erase(stored.scope);
    return std::vector{Removal({.ordinal = ordinal, .process_id = stored.subject})};
  }
  if (!past) by_process_[stored.subject] = {stored.scope, stored.request_id};
  scope.requests[stored.request_id] = {ordinal, std::move(stored.subject), nullptr,
                                       std::move(stored.asked), stored.forgotten};
  if (past) AddPastLocked(scope, stored.request_id, &changes);
  return changes;
}

}  // namespace proctor
