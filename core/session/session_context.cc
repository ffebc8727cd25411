#include "core/session/session_context.h"

#include <pthread.h>

#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/random_id.h"
#include "core/base/return_if_error.h"
#include "core/session/attachment.h"
#include "proctor/error.h"
#include "proctor/policy_registry.h"
#include "proctor/watcher_kind.h"

namespace proctor {
namespace {

absl::Status ClosedError(const std::string& id) {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kSessionClosed,
                   absl::StrCat("session '", id, "' is closed"), {{"session_id", id}});
}

SessionOpened DescribeOpening(const SessionInfo& info) {
  SessionOpened opened;
  opened.policy = info.policy;
  opened.watcher = info.watcher;
  opened.loop = info.loop;
  opened.is_default = info.is_default;
  opened.lease = info.lease;
  opened.lease_expires_at = info.lease_expires_at;
  opened.on_lease_expiry = info.on_lease_expiry;
  opened.max_running_processes = info.quota.max_running_processes;
  opened.max_output_bytes = info.quota.max_output_bytes;
  return opened;
}

}  // namespace

SessionContext::SessionContext(const SessionOptions& options, SessionPlace place,
                               std::shared_ptr<EventLoopPolicy> policy)
    : id_(place.id),
      options_(options),
      place_(std::move(place)),
      policy_(std::move(policy)),
      created_at_(absl::Now()),
      ledger_(id_, options_.is_default ? StartRequests::kDefaultScope : id_, options_.quota,
              place_.ledger, place_.host),
      processes_(&ledger_, place_.trees, place_.absence, [this] {
        own_thread_.Check();
        CloseRetiredWatchers();
        CheckClosed();
      }) {}

SessionContext::~SessionContext() = default;

// Waits for the new thread, because all that follows may rely on its loop.
absl::StatusOr<std::shared_ptr<SessionContext>> SessionContext::Open(const SessionOptions& options,
                                                                     SessionPlace place) {
  ASSIGN_OR_RETURN(auto watcher, ResolveWatcher(options.watcher));
  auto policy = NewPolicy(options.policy, [name = watcher] { return NewWatcher(name); });
  if (!policy.ok()) return policy.status();
  std::shared_ptr<SessionContext> session(
      new SessionContext(options, std::move(place), *std::move(policy)));

  absl::Notification entered;
  absl::StatusOr<std::shared_ptr<ChildWatcher>> made;
  try {
    session->thread_ = std::thread([session, &entered, &made] {
      made = session->EnterThread();
      const bool ok = made.ok();
      entered.Notify();  // `made` and `entered` are gone from here on
      if (ok) session->RunThread();
    });
  } catch (const std::system_error& error) {
    return MakeError(absl::StatusCode::kResourceExhausted, Reason::kSessionResources,
                     absl::StrCat("open a session: no thread: ", error.what()));
  }
  entered.WaitForNotification();
  if (!made.ok()) {
    session->thread_.join();
    return made.status();
  }
  const absl::Status attached = AttachIfInactive(*made, session->place_.main_loop);
  if (!attached.ok()) {
    {
      absl::MutexLock lock(&session->mutex_);
      session->state_ = SessionState::kClosed;
    }
    session->loop_->Stop();
    session->thread_.join();
    return attached;
  }
  const SessionInfo info = session->Info();
  // While the store refuses, the session exists before its opening is on record. It is listed, so
  // that a caller can find and close it.
  session->Show(session->place_.ledger->Record(
      session->MakeEvent(DescribeOpening(info)), info, session->place_.opening,
      [session](uint64_t sequence) { session->Show(sequence); }));
  return session;
}

// The thread becomes a context of the policy. The session gets everything through the policy, so
// that a policy that is registered by name decides it.
absl::StatusOr<std::shared_ptr<ChildWatcher>> SessionContext::EnterThread() {
  own_thread_.Check();
  // Its newborns are known by it, until their exec (core/storage/lock_holders.h).
  pthread_setname_np(pthread_self(), absl::StrCat("session-", id_.substr(0, 7)).c_str());
  ASSIGN_OR_RETURN(auto made, CheckAnswer("NewEventLoop", policy_->NewEventLoop()));
  RETURN_IF_ERROR(policy_->SetEventLoop(made));
  ASSIGN_OR_RETURN(auto loop, CheckAnswer("GetEventLoop", policy_->GetEventLoop()));
  ASSIGN_OR_RETURN(auto watcher, CheckAnswer("GetChildWatcher", policy_->GetChildWatcher()));
  loop_ = std::move(loop);
  watcher_ = std::move(watcher);
  absl::MutexLock lock(&mutex_);
  watcher_name_ = watcher_->name();
  if (options_.has_lease()) lease_expires_at_ = absl::Now() + options_.lease;
  return watcher_;
}

void SessionContext::RunThread() {
  own_thread_.Check();
  absl::Status ran;
  do {
    ran = loop_->RunForever();
  } while (ran.ok() && !EndAcceptance());
  if (!ran.ok()) {  // a loop of the policy's own: nobody can be served any more
    absl::MutexLock lock(&mutex_);
    state_ = SessionState::kClosed;
    accepting_ = false;
  }
  // What was posted before that is still owed an answer.
  loop_->Stop();
  ran.Update(loop_->RunForever());
  if (!ran.ok()) loop_->ReportError({"run a session's event loop", ran});
  processes_.Clear();
  watcher_->Close();
  for (const auto& watcher : retired_watchers_) watcher->Close();
  (void)policy_->SetEventLoop(nullptr);  // the thread ends with its slot
  (void)loop_->Close();                  // not running: cannot fail
  ended_.Notify();
}

// Whether the loop was stopped for good: the session has no user, and will have none.
bool SessionContext::EndAcceptance() {
  absl::MutexLock lock(&mutex_);
  if (users_ > 0 || state_ != SessionState::kClosed) return false;
  accepting_ = false;
  return true;
}

void SessionContext::Show(uint64_t ordinal) {
  std::call_once(shown_, [this, ordinal] {
    {
      absl::MutexLock lock(&mutex_);
      ordinal_ = ordinal;
    }
    place_.host->OnOpened(shared_from_this());
    // Not before: a caller cannot renew the lease of a session that it does not know, and a session
    // that is neither on record nor listed cannot be closed.
    if (options_.has_lease()) {
      (void)Post([this] {
        own_thread_.Check();
        if (close_reason_.has_value()) return;
        // The end that was put on record stays told; it comes no earlier than that.
        lease_began_ = loop_->Time();
        lease_timer_ = loop_->CallLater(options_.lease, [this] { OnLeaseExpired(); });
      });
    }
  });
}

Event SessionContext::MakeEvent(EventDetail detail) const {
  return {.session_id = id_, .labels = options_.labels, .detail = std::move(detail)};
}

SessionInfo SessionContext::Info() const {
  SessionInfo info;
  info.id = id_;
  info.policy = options_.policy;
  info.loop = loop_->name();
  info.is_default = options_.is_default;
  info.labels = options_.labels;
  info.created_at = created_at_;
  info.lease = options_.lease;
  info.on_lease_expiry = options_.on_lease_expiry;
  info.quota = options_.quota;
  absl::MutexLock lock(&mutex_);
  info.ordinal = ordinal_;
  info.state = state_;
  info.watcher = watcher_name_;
  info.lease_expires_at = lease_expires_at_;
  return info;
}

absl::Status SessionContext::Post(LoopCallback work) {
  absl::MutexLock lock(&mutex_);
  if (!accepting_) return ClosedError(id_);
  return loop_->CallSoonThreadsafe(std::move(work));
}

absl::StatusOr<SessionUser> SessionContext::Enter() {
  absl::MutexLock lock(&mutex_);
  if (!accepting_) return ClosedError(id_);
  ++users_;
  return SessionUser(shared_from_this());
}

void SessionUser::Release() {
  if (auto session = std::exchange(session_, nullptr)) session->ReleaseUser();
}

// The thread goes on for as long as the lock is held: the loop is open.
void SessionContext::ReleaseUser() {
  absl::MutexLock lock(&mutex_);
  if (--users_ == 0 && state_ == SessionState::kClosed) loop_->Stop();
}

absl::StatusOr<std::shared_ptr<Process>> SessionContext::StartProcess(
    Command command, const std::string& request_id) {
  own_thread_.Check();
  auto earlier = processes_.FindStarted(request_id, command);
  if (!earlier.ok() || *earlier != nullptr) return earlier;
  if (close_reason_.has_value()) {
    if (close_reason_ != CloseReason::kServerShutdown) return ClosedError(id_);
    return MakeError(absl::StatusCode::kUnavailable, Reason::kServerDraining,
                     "start a process: the server is shutting down");
  }
  return processes_.Start(std::move(command), request_id, loop_, watcher_);
}

absl::StatusOr<std::shared_ptr<Process>> SessionContext::CancelStart(
    const std::string& request_id, const std::string& requested_by) {
  own_thread_.Check();
  return processes_.CancelStart(request_id, requested_by);
}

absl::StatusOr<std::shared_ptr<Process>> SessionContext::FindProcess(
    std::string_view process_id) const {
  own_thread_.Check();
  return processes_.Find(process_id);
}

absl::StatusOr<std::shared_ptr<Process>> SessionContext::UpdateProcess(
    std::string_view process_id, const ProcessChange& change) {
  own_thread_.Check();
  if (Info().state == SessionState::kClosed) return ClosedError(id_);
  return processes_.Update(process_id, change);
}

absl::Status SessionContext::RemoveProcess(std::string_view process_id, RemovalReason reason) {
  own_thread_.Check();
  ASSIGN_OR_RETURN(auto process, processes_.Find(process_id));
  return RemoveProcess(*process, reason);
}

absl::Status SessionContext::RemoveProcess(Process& process, RemovalReason reason) {
  own_thread_.Check();
  absl::Status removed = processes_.Remove(process, reason);
  if (removed.ok()) CheckClosed();
  return removed;
}

absl::Status SessionContext::SetWatcher(std::string_view name) {
  own_thread_.Check();
  if (close_reason_.has_value()) return ClosedError(id_);
  if (!loop_->SupportsChildWatchers()) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, Reason::kWatchersUnsupported,
        absl::StrCat("the ", loop_->name(), " event loop does not support custom child watchers"),
        {{"loop", loop_->name()}});
  }
  ASSIGN_OR_RETURN(auto made, NewWatcher(name));
  RETURN_IF_ERROR(AttachIfInactive(made, place_.main_loop));
  processes_.ListenToMoves();
  retired_watchers_.push_back(std::exchange(watcher_, std::move(made)));
  const WatcherChanged change{retired_watchers_.back()->name(), watcher_->name()};
  {
    absl::MutexLock lock(&mutex_);
    watcher_name_ = change.to;
  }
  place_.ledger->Record(MakeEvent(change), Info());
  CloseRetiredWatchers();
  return absl::OkStatus();
}

void SessionContext::CloseRetiredWatchers() {
  if (retired_watchers_.empty()) return;
  std::erase_if(retired_watchers_, [this](const std::shared_ptr<ChildWatcher>& watcher) {
    own_thread_.Check();
    if (processes_.AnyRunsWith(watcher.get())) return false;
    watcher->Close();
    return true;
  });
  // It fails where the loop supports none, which SetWatcher has looked at.
  if (retired_watchers_.empty()) (void)policy_->SetChildWatcher(watcher_);
}

absl::Status SessionContext::Renew() {
  own_thread_.Check();
  if (close_reason_.has_value()) return ClosedError(id_);
  if (!options_.has_lease()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kNoLease,
                     absl::StrCat("renew session '", id_, "': it was opened without a lease"),
                     {{"session_id", id_}});
  }
  BeginLease();
  return absl::OkStatus();
}

void SessionContext::BeginLease() {
  lease_began_ = loop_->Time();
  ArmLease(options_.lease);
}

void SessionContext::ArmLease(absl::Duration left) {
  lease_timer_.Cancel();
  lease_timer_ = loop_->CallLater(left, [this] { OnLeaseExpired(); });
  absl::MutexLock lock(&mutex_);
  lease_expires_at_ = absl::Now() + left;
}

// What was posted before the loop noticed the time has run already: a renewal that came in
// time is never late because the loop is. One that came while the whole process was away is
// still on its way: that time does not count.
void SessionContext::OnLeaseExpired() {
  own_thread_.Check();
  if (place_.absence != nullptr) {
    const absl::Duration passed = loop_->Time() - lease_began_;
    const absl::Duration left = options_.lease + place_.absence->Within(passed) - passed;
    if (left > absl::ZeroDuration()) return ArmLease(left);
  }
  BeginClose(CloseReason::kLeaseExpired);
  if (options_.on_lease_expiry == LeaseExpiry::kKill) {
    SessionClose close;
    close.graceful = true;
    close.request = {ExitCause::kLeaseExpired, ""};
    processes_.EndAll(close);
  }
  CheckClosed();
}

absl::Status SessionContext::Close(SessionClose close, LoopCallback closed) {
  return Post([this, close = std::move(close), closed = std::move(closed)]() mutable {
    own_thread_.Check();
    on_closed_.push_back(std::move(closed));
    BeginClose(close.reason);
    processes_.EndAll(close);
    CheckClosed();
  });
}

// The first reason stays.
void SessionContext::BeginClose(CloseReason reason) {
  if (close_reason_.has_value()) return;
  close_reason_ = reason;
  processes_.ListenToMoves();
  lease_timer_.Cancel();
  absl::MutexLock lock(&mutex_);
  if (state_ == SessionState::kOpen) state_ = SessionState::kClosing;
}

void SessionContext::CheckClosed() {
  if (!close_reason_.has_value() || !processes_.AllEnded()) return;
  bool first = false;
  {
    absl::MutexLock lock(&mutex_);
    first = std::exchange(state_, SessionState::kClosed) != SessionState::kClosed;
  }
  if (first) {
    processes_.EndObservation();
    place_.ledger->Record(MakeEvent(SessionClosed{*close_reason_}), Info());
    place_.host->OnClosed(*this);
  }
  for (const auto& [id, listener] : std::exchange(closed_listeners_, {})) listener();
  for (auto& closed : std::exchange(on_closed_, {})) closed();
  absl::MutexLock lock(&mutex_);
  if (users_ == 0) loop_->Stop();
}

uint64_t SessionContext::AddClosedListener(std::function<void()> listener) {
  own_thread_.Check();
  closed_listeners_.emplace(++last_closed_listener_, std::move(listener));
  return last_closed_listener_;
}

void SessionContext::RemoveClosedListener(uint64_t id) {
  own_thread_.Check();
  closed_listeners_.erase(id);
}

bool SessionContext::Join(absl::Time deadline) {
  if (!ended_.WaitForNotificationWithDeadline(deadline)) return false;
  if (thread_.joinable()) thread_.join();
  return true;
}

}  // namespace proctor
