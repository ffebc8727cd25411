#include "core/session/session_context.h"

#include <pthread.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "core/base/error.h"
#include "core/base/random_id.h"
#include "core/policy/policy_registry.h"
#include "core/session/attachment.h"
#include "core/watch/watcher_kind.h"

namespace proctor {
namespace {

const char* ScopeName(SignalScope scope) {
  switch (scope) {
    case SignalScope::kLeader:
      return "LEADER";
    case SignalScope::kGroup:
      return "GROUP";
    case SignalScope::kTree:
      return "TREE";
  }
  return "";
}

absl::Status ClosedError(const std::string& id) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "SESSION_CLOSED",
                   absl::StrCat("session '", id, "' is closed"), {{"session_id", id}});
}

}  // namespace

SessionContext::SessionContext(const SessionOptions& options, Services services,
                               std::shared_ptr<EventLoopPolicy> policy)
    : id_(NewRandomId()),
      options_(options),
      services_(std::move(services)),
      policy_(std::move(policy)),
      created_at_(absl::Now()) {}

SessionContext::~SessionContext() = default;

absl::StatusOr<std::shared_ptr<SessionContext>> SessionContext::Open(const SessionOptions& options,
                                                                     Services services) {
  auto watcher = ResolveWatcher(options.watcher);
  if (!watcher.ok()) return watcher.status();
  auto policy = NewPolicy(options.policy, [name = *watcher] { return NewWatcher(name); });
  if (!policy.ok()) return policy.status();
  std::shared_ptr<SessionContext> session(
      new SessionContext(options, std::move(services), *std::move(policy)));

  absl::Notification entered;
  absl::Status status;
  try {
    session->thread_ = std::thread([session, &entered, &status] {
      status = session->EnterThread();
      const bool ok = status.ok();
      entered.Notify();  // `status` and `entered` are gone from here on
      if (ok) session->RunThread();
    });
  } catch (const std::system_error& error) {
    return MakeError(absl::StatusCode::kResourceExhausted, "SESSION_RESOURCES",
                     absl::StrCat("open a session: no thread: ", error.what()));
  }
  entered.WaitForNotification();
  if (!status.ok()) {
    session->thread_.join();
    return status;
  }
  status = AttachIfInactive(session->watcher_, session->services_.main_loop);
  if (!status.ok()) {
    session->loop_->Stop();
    session->thread_.join();
    return status;
  }
  session->services_.events->Append(
      {.session_id = session->id_,
       .labels = options.labels,
       .detail = SessionOpened{options.policy, session->Info().watcher, session->loop_->name(),
                               options.is_default}});
  return session;
}

// The thread becomes a context of the policy: everything is had through it, so that
// a policy that is registered by name changes what the session gets.
absl::Status SessionContext::EnterThread() {
  pthread_setname_np(pthread_self(), absl::StrCat("session-", id_.substr(0, 7)).c_str());
  auto made = policy_->NewEventLoop();
  if (!made.ok()) return made.status();
  if (auto status = policy_->SetEventLoop(*made); !status.ok()) return status;
  auto loop = policy_->GetEventLoop();
  if (!loop.ok()) return loop.status();
  auto watcher = policy_->GetChildWatcher();
  if (!watcher.ok()) return watcher.status();
  loop_ = *std::move(loop);
  watcher_ = *std::move(watcher);
  absl::MutexLock lock(&mutex_);
  watcher_name_ = watcher_->name();
  return absl::OkStatus();
}

void SessionContext::RunThread() {
  absl::Status ran = loop_->RunForever();
  {
    absl::MutexLock lock(&mutex_);
    state_ = SessionState::kClosed;
    accepting_ = false;
  }
  // What was posted before that is still owed an answer.
  loop_->Stop();
  ran.Update(loop_->RunForever());
  if (!ran.ok()) loop_->ReportError({"run a session's event loop", ran});
  processes_.clear();
  watcher_->Close();
  for (const auto& watcher : retired_watchers_) watcher->Close();
  (void)policy_->SetEventLoop(nullptr);  // the thread ends with its slot
  (void)loop_->Close();                  // not running: cannot fail
  ended_.store(true, std::memory_order_release);
}

SessionInfo SessionContext::Info() const {
  SessionInfo info;
  info.id = id_;
  info.policy = options_.policy;
  info.loop = loop_->name();
  info.is_default = options_.is_default;
  info.labels = options_.labels;
  info.created_at = created_at_;
  absl::MutexLock lock(&mutex_);
  info.state = state_;
  info.watcher = watcher_name_;
  return info;
}

absl::Status SessionContext::Post(LoopCallback work) {
  absl::MutexLock lock(&mutex_);
  if (!accepting_) return ClosedError(id_);
  return loop_->CallSoonThreadsafe(std::move(work));
}

absl::StatusOr<std::shared_ptr<Process>> SessionContext::StartProcess(
    Command command, const std::string& request_id) {
  if (!close_reason_.empty()) {
    if (close_reason_ != kShutdownReason) return ClosedError(id_);
    return MakeError(absl::StatusCode::kUnavailable, "SERVER_DRAINING",
                     "start a process: the server is shutting down");
  }
  if (!request_id.empty()) {
    if (auto earlier = requests_.find(request_id); earlier != requests_.end()) {
      if (*earlier->second.command == command) return FindProcess(earlier->second.process_id);
      return MakeError(
          absl::StatusCode::kAlreadyExists, "REQUEST_ID_REUSED",
          absl::StrCat("request_id '", request_id, "' was used to start another command"),
          {{"field", "request_id"}, {"process_id", earlier->second.process_id}});
    }
  }
  const std::string process_id = NewRandomId();
  auto process =
      Process::Start({process_id, id_, loop_, watcher_}, std::move(command), MakeHooks());
  if (!process.ok()) return process.status();
  processes_.emplace(process_id, *process);
  const ProcessInfo info = (*process)->Info();
  if (!request_id.empty()) requests_[request_id] = {process_id, info.command};
  Record(**process, ProcessStarted{info.pid, info.command->argv, info.command->cwd, info.watcher});
  Publish(**process);
  return process;
}

absl::Status SessionContext::SetWatcher(std::string_view name) {
  if (!close_reason_.empty()) return ClosedError(id_);
  if (!loop_->SupportsChildWatchers()) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "WATCHERS_UNSUPPORTED",
        absl::StrCat("the ", loop_->name(), " event loop does not support custom child watchers"),
        {{"loop", loop_->name()}});
  }
  auto made = NewWatcher(name);
  if (!made.ok()) return made.status();
  absl::Status attached = AttachIfInactive(*made, services_.main_loop);
  if (!attached.ok()) return attached;
  retired_watchers_.push_back(std::exchange(watcher_, *std::move(made)));
  const WatcherChanged change{retired_watchers_.back()->name(), watcher_->name()};
  {
    absl::MutexLock lock(&mutex_);
    watcher_name_ = change.to;
  }
  services_.events->Append({.session_id = id_, .labels = options_.labels, .detail = change});
  CloseRetiredWatchers();
  return absl::OkStatus();
}

void SessionContext::CloseRetiredWatchers() {
  if (retired_watchers_.empty()) return;
  std::erase_if(retired_watchers_, [this](const std::shared_ptr<ChildWatcher>& watcher) {
    for (const auto& [id, process] : processes_) {
      const bool running = process->state() == ProcessState::kRunning;
      if (running && &process->watcher() == watcher.get()) return false;
    }
    watcher->Close();
    return true;
  });
  // It fails where the loop supports none, which SetWatcher has looked at.
  if (retired_watchers_.empty()) (void)policy_->SetChildWatcher(watcher_);
}

Process::Hooks SessionContext::MakeHooks() {
  Process::Hooks hooks;
  hooks.exited = [this](const Process& process) {
    Record(process, ProcessExited{*process.exit_status()});
    Publish(process);
    // Not from within the call of the watcher that may be closed by it.
    if (!retired_watchers_.empty()) loop_->CallSoon([this] { CloseRetiredWatchers(); });
  };
  hooks.drained = [this](const Process& process) {
    Record(process, *process.drained());
    Publish(process);
    CheckClosed();
  };
  hooks.signalled = [this](const Process& process, int signal, SignalScope scope,
                           const std::string& by) {
    Record(process, ProcessSignalled{signal, ScopeName(scope), by});
  };
  return hooks;
}

void SessionContext::Record(const Process& process, EventDetail detail) {
  services_.events->Append({.session_id = id_,
                            .process_id = process.id(),
                            .labels = process.command().labels,
                            .detail = std::move(detail)});
}

void SessionContext::Publish(const Process& process) {
  auto one_too_many = services_.processes->Publish(process.Info());
  if (one_too_many != nullptr) services_.forget(*one_too_many);
}

absl::StatusOr<std::shared_ptr<Process>> SessionContext::FindProcess(
    std::string_view process_id) const {
  auto found = processes_.find(absl::string_view(process_id.data(), process_id.size()));
  if (found != processes_.end()) return found->second;
  return MakeError(absl::StatusCode::kNotFound, "PROCESS_NOT_FOUND",
                   absl::StrCat("no process '", std::string(process_id), "'"),
                   {{"process_id", std::string(process_id)}});
}

absl::Status SessionContext::RemoveProcess(std::string_view process_id, const std::string& reason) {
  auto found = FindProcess(process_id);
  if (!found.ok()) return found.status();
  const std::shared_ptr<Process> process = *std::move(found);
  if (process->state() == ProcessState::kRunning) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "PROCESS_RUNNING",
                     absl::StrCat("remove process '", process->id(), "': it is running"),
                     {{"process_id", process->id()}});
  }
  processes_.erase(process->id());
  process->Unhook();
  for (auto request = requests_.begin(); request != requests_.end(); ++request) {
    if (request->second.process_id != process->id()) continue;
    requests_.erase(request);
    break;
  }
  services_.processes->Remove(process->id());
  Record(*process, ProcessRemoved{reason});
  CheckClosed();
  return absl::OkStatus();
}

absl::Status SessionContext::Close(SessionClose close, LoopCallback closed) {
  return Post([this, close = std::move(close), closed = std::move(closed)]() mutable {
    on_closed_.push_back(std::move(closed));
    if (close_reason_.empty()) {
      close_reason_ = close.reason;
      absl::MutexLock lock(&mutex_);
      if (state_ == SessionState::kOpen) state_ = SessionState::kClosing;
    }
    for (auto& [id, process] : processes_) EndProcess(*process, close);
    CheckClosed();
  });
}

void SessionContext::EndProcess(Process& process, const SessionClose& close) {
  process.BeginClose();
  if (!close.graceful) return process.Kill(close.request);
  StopPolicy policy = close.stop_policy.value_or(process.command().stop_policy);
  policy.grace = std::min(policy.grace, close.longest_grace);
  process.Stop(policy, close.request);
}

void SessionContext::CheckClosed() {
  if (close_reason_.empty()) return;
  for (const auto& [id, process] : processes_) {
    if (process->state() != ProcessState::kDrained) return;
  }
  bool first = false;
  {
    absl::MutexLock lock(&mutex_);
    first = std::exchange(state_, SessionState::kClosed) != SessionState::kClosed;
  }
  if (first) {
    services_.events->Append(
        {.session_id = id_, .labels = options_.labels, .detail = SessionClosed{close_reason_}});
  }
  for (auto& closed : std::exchange(on_closed_, {})) closed();
  if (users_ == 0) loop_->Stop();
}

void SessionContext::ReleaseUser() {
  --users_;
  absl::MutexLock lock(&mutex_);
  if (users_ == 0 && state_ == SessionState::kClosed) loop_->Stop();
}

void SessionContext::Join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace proctor
