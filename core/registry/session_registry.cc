#include "core/registry/session_registry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/random_id.h"
#include "core/base/return_if_error.h"
#include "core/ledger/quota_error.h"
#include "proctor/error.h"
#include "proctor/policy_registry.h"

namespace proctor {
namespace {

absl::Status NotFoundError(std::string_view id) {
  return MakeError(absl::StatusCode::kNotFound, Reason::kSessionNotFound,
                   absl::StrCat("no session '", std::string(id), "'"),
                   {{"session_id", std::string(id)}});
}

absl::Status ClosedError(std::string_view id) {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kSessionClosed,
                   absl::StrCat("session '", std::string(id), "' is closed"),
                   {{"session_id", std::string(id)}});
}

absl::Status DrainingError() {
  return MakeError(absl::StatusCode::kUnavailable, Reason::kServerDraining,
                   "the server is shutting down");
}

// What a session may use that asks for `asked` where `most` is allowed.
uint64_t Bounded(uint64_t asked, uint64_t most) {
  if (asked == 0) return most;
  return most == 0 ? asked : std::min(asked, most);
}

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

SessionRegistry::SessionRegistry(Options options, EventLog* events)
    : options_(std::move(options)),
      events_(events),
      ledger_({.max_ended_processes = options_.max_ended_processes,
               .max_processes = options_.max_processes,
               .max_memory = options_.max_memory,
               .codec = options_.codec,
               .outputs = options_.outputs,
               .meter = options_.meter},
              events),
      policy_(options_.policy) {}

SessionRegistry::~SessionRegistry() {
  Join();
  events_->StopPublishing();
}

absl::StatusOr<std::shared_ptr<SessionContext>> SessionRegistry::Create(
    SessionOptions options, const std::string& request_id) {
  {
    absl::MutexLock lock(&mutex_);
    if (draining_) return DrainingError();
    if (live_ + opening_ >= options_.max_sessions) {
      return QuotaError("open a session", "sessions", options_.max_sessions, live_ + opening_);
    }
    ++opening_;
    if (options.policy.empty()) options.policy = policy_;
  }
  if (options.watcher.empty()) options.watcher = options_.watcher;
  options.quota = {
      Bounded(options.quota.max_running_processes, options_.quota.max_running_processes),
      Bounded(options.quota.max_output_bytes, options_.quota.max_output_bytes)};
  JoinEnded();
  absl::Status room = events_->CheckRoom();
  auto session = room.ok() ? SessionContext::Open(options, MakePlace(request_id))
                           : absl::StatusOr<std::shared_ptr<SessionContext>>(room);
  bool too_late = false;
  {
    absl::MutexLock lock(&mutex_);
    if (!session.ok()) --opening_;
    too_late = draining_;
  }
  if (!session.ok()) {
    TellIfDrained();
    return session.status();
  }
  if (too_late) {  // the drain that began meanwhile did not see it
    (void)Close((*session)->id(), {.reason = CloseReason::kServerShutdown},
                [](const SessionInfo&) {});
    return DrainingError();
  }
  return session;
}

absl::StatusOr<SessionInfo> SessionRegistry::CreateOnce(const std::string& request_id,
                                                        const SessionOptions& options) {
  if (request_id.empty()) {
    ASSIGN_OR_RETURN(auto session, Create(options));
    return session->Info();
  }
  auto session_id =
      session_requests_.OpenOnce(request_id, options, [&]() -> absl::StatusOr<std::string> {
        auto session = Create(options, request_id);
        if (!session.ok()) return session.status();
        return (*session)->id();
      });
  if (!session_id.ok()) return session_id.status();
  for (StateChange& change : session_requests_.TakeForgotten()) events_->Change(std::move(change));
  return GetInfo(*session_id);
}

SessionPlace SessionRegistry::MakePlace(const std::string& request_id) {
  SessionPlace place;
  place.ledger = &ledger_;
  place.host = this;
  place.main_loop = options_.main_loop;
  place.trees = options_.trees;
  place.absence = options_.absence;
  place.id = NewRandomId();
  if (!request_id.empty() && events_->stored()) {
    place.opening.push_back(session_requests_.RowOf(request_id, place.id));
  }
  return place;
}

absl::StatusOr<std::shared_ptr<SessionContext>> SessionRegistry::FindDefault() {
  // Held over the opening, so that two first users get one session. Nothing that
  // opening does comes back here.
  absl::MutexLock opening(&default_mutex_);
  std::string id;
  {
    absl::MutexLock lock(&mutex_);
    id = default_id_;
  }
  if (auto session = FindLive(id)) return session;
  return Create({.is_default = true});
}

std::shared_ptr<SessionContext> SessionRegistry::FindLive(std::string_view id) const {
  absl::MutexLock lock(&mutex_);
  auto ordinal = ordinals_.find(View(id));
  if (ordinal == ordinals_.end()) return nullptr;
  return sessions_.at(ordinal->second).context;
}

absl::StatusOr<std::shared_ptr<SessionContext>> SessionRegistry::Find(std::string_view id) {
  // Also before the sessions have heard of the drain, which is told first.
  if (draining()) return DrainingError();
  if (id.empty()) return FindDefault();
  absl::MutexLock lock(&mutex_);
  auto ordinal = ordinals_.find(View(id));
  if (ordinal == ordinals_.end()) return NotFoundError(id);
  auto session = sessions_.at(ordinal->second).context;
  if (session == nullptr) return ClosedError(id);
  return session;
}

// All default sessions are one scope.
std::string SessionRegistry::ScopeOf(std::string_view session_id) const {
  if (session_id.empty()) return StartRequests::kDefaultScope;
  absl::MutexLock lock(&mutex_);
  auto ordinal = ordinals_.find(View(session_id));
  if (ordinal == ordinals_.end()) return std::string(session_id);
  const Session& session = sessions_.at(ordinal->second);
  const bool is_default =
      session.context != nullptr ? session.context->is_default() : session.info.is_default;
  return is_default ? StartRequests::kDefaultScope : std::string(session_id);
}

absl::StatusOr<std::shared_ptr<const ProcessInfo>> SessionRegistry::FindStarted(
    std::string_view session_id, const std::string& request_id, const Command& command) const {
  if (request_id.empty()) return nullptr;
  return FindPast(ledger_.requests().Find(ScopeOf(session_id), request_id, command));
}

absl::StatusOr<std::shared_ptr<const ProcessInfo>> SessionRegistry::FindStarted(
    std::string_view session_id, const std::string& request_id) const {
  return FindPast(ledger_.requests().FindAny(ScopeOf(session_id), request_id));
}

absl::StatusOr<std::shared_ptr<const ProcessInfo>> SessionRegistry::FindPast(
    absl::StatusOr<std::string> process_id) const {
  if (!process_id.ok()) return process_id.status();
  if (process_id->empty()) return nullptr;
  auto located = FindProcess(*process_id);
  // Its session is just starting it, or tells of its end.
  if (!located.ok() || located->session != nullptr) return nullptr;
  return located->info;
}

absl::StatusOr<SessionInfo> SessionRegistry::GetInfo(std::string_view id) {
  if (id.empty()) {
    ASSIGN_OR_RETURN(auto session, FindDefault());
    return session->Info();
  }
  absl::MutexLock lock(&mutex_);
  auto ordinal = ordinals_.find(View(id));
  if (ordinal == ordinals_.end()) return NotFoundError(id);
  const Session& session = sessions_.at(ordinal->second);
  return session.context != nullptr ? session.context->Info() : session.info;
}

std::vector<SessionRegistry::Entry> SessionRegistry::List(
    uint64_t after_ordinal, size_t max,
    const std::function<bool(const SessionInfo&)>& wanted) const {
  std::vector<Entry> entries;
  absl::MutexLock lock(&mutex_);
  for (auto place = sessions_.upper_bound(after_ordinal);
       place != sessions_.end() && entries.size() < max; ++place) {
    const Session& session = place->second;
    SessionInfo info = session.context != nullptr ? session.context->Info() : session.info;
    if (wanted(info)) entries.push_back({place->first, std::move(info)});
  }
  return entries;
}

size_t SessionRegistry::open_sessions() const {
  absl::MutexLock lock(&mutex_);
  return live_;
}

absl::Status SessionRegistry::Close(std::string_view id, const SessionClose& close,
                                    std::function<void(const SessionInfo&)> closed) {
  if (auto session = FindLive(id)) {
    const absl::Status posted =
        session->Close(close, [session, closed] { closed(session->Info()); });
    if (posted.ok()) return posted;
  }
  ASSIGN_OR_RETURN(auto info, GetInfo(id.empty() ? "-" : id));
  closed(info);
  return absl::OkStatus();
}

void SessionRegistry::OnOpened(const std::shared_ptr<SessionContext>& session) {
  const SessionInfo info = session->Info();
  absl::MutexLock lock(&mutex_);
  --opening_;
  ++live_;
  sessions_[info.ordinal].context = session;
  ordinals_[info.id] = info.ordinal;
  if (info.is_default) default_id_ = info.id;
}

// On the session's thread.
void SessionRegistry::OnClosed(const SessionContext& session) {
  SessionInfo info = session.Info();
  std::vector<StateChange> forgotten;
  {
    absl::MutexLock lock(&mutex_);
    auto ordinal = ordinals_.find(session.id());
    if (ordinal == ordinals_.end()) return;
    Session& entry = sessions_.at(ordinal->second);
    if (entry.context == nullptr) return;  // told before
    entry.info = std::move(info);
    ending_.push_back(std::exchange(entry.context, nullptr));
    if (default_id_ == session.id()) default_id_.clear();
    --live_;
    forgotten = ForgetClosedLocked();
  }
  for (StateChange& change : forgotten) events_->Change(std::move(change));
  ledger_.requests().CloseScope(session.id());  // nobody's, of a default session
  TellIfDrained();
}

// Takes the closed sessions that are too many off the list, the oldest first.
std::vector<StateChange> SessionRegistry::ForgetClosedLocked() {
  std::vector<StateChange> forgotten;
  for (auto oldest = sessions_.begin();
       sessions_.size() - live_ > options_.max_closed_sessions && oldest != sessions_.end();) {
    if (oldest->second.context != nullptr) {
      ++oldest;
      continue;
    }
    const std::string& id = oldest->second.info.id;
    forgotten.push_back({StateKind::kSession, oldest->first, id, "", /*removed=*/true});
    ordinals_.erase(id);
    oldest = sessions_.erase(oldest);
  }
  return forgotten;
}

absl::StatusOr<SessionRegistry::LocatedProcess> SessionRegistry::FindProcess(
    std::string_view id_or_name) const {
  ASSIGN_OR_RETURN(auto info, ledger_.processes().Find(id_or_name));
  return LocatedProcess{info, FindLive(info->session_id)};
}

void SessionRegistry::ForgetProcess(const ProcessInfo& info, RemovalReason reason) {
  {
    // A look at what is left of it is on record by now, or will not be.
    absl::MutexLock lock(&survivors_mutex_);
    survived_.erase(info.id);
  }
  (void)ledger_.Forget(info, reason);  // by somebody else already: as well
}

void SessionRegistry::ForgetSurplus(const ProcessInfo& info) {
  RemoveProcess(info.id, RemovalReason::kRetention);
}

void SessionRegistry::RemoveProcess(std::string_view process_id, RemovalReason reason) {
  auto located = FindProcess(process_id);
  if (!located.ok()) return;
  if (auto session = located->session) {
    const absl::Status posted = session->Post([session, id = std::string(process_id), reason] {
      (void)session->RemoveProcess(id, reason);  // gone meanwhile: as well
    });
    if (posted.ok()) return;
  }
  ForgetProcess(*located->info, reason);
}

absl::Status SessionRegistry::SetPolicy(std::string_view name) {
  const std::string chosen(name.empty() ? kDefaultPolicyName : name);
  // Made once to see that it can be.
  auto made = NewPolicy(chosen, [] {
    return absl::StatusOr<std::shared_ptr<ChildWatcher>>(
        absl::FailedPreconditionError("a policy made for a probe has no watcher"));
  });
  if (!made.ok()) return made.status();
  absl::MutexLock lock(&mutex_);
  policy_ = chosen;
  return absl::OkStatus();
}

std::string SessionRegistry::policy() const {
  absl::MutexLock lock(&mutex_);
  return policy_;
}

}  // namespace proctor
