#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proctor/error.h"
#include "server/call/late_call.h"
#include "server/call/rpc_caller.h"
#include "server/call/unary.h"
#include "server/call/unkillable.h"
#include "server/process/process_calls.h"
#include "server/process/survivor_call.h"
#include "server/wire/command.h"
#include "server/wire/process.h"
#include "server/wire/status.h"
#include "server/wire/time.h"

namespace proctor::server {
namespace {

// What can be waited for.
enum class Until { kExited, kDrained, kTreeEmpty };

const char* NameOf(Until until) {
  switch (until) {
    case Until::kExited:
      return "exited";
    case Until::kDrained:
      return "drained";
    case Until::kTreeEmpty:
      return "tree empty";
  }
  return "";
}

bool Reached(Until until, ProcessState state, bool tree_empty) {
  switch (until) {
    case Until::kExited:
      return state != ProcessState::kRunning;
    case Until::kDrained:
      return state == ProcessState::kDrained;
    case Until::kTreeEmpty:
      return tree_empty;
  }
  return false;
}

absl::Status UnknownTreeError(const Process& process) {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kTreeUnknown,
                   absl::StrCat("wait for process '", process.id(),
                                "': without a control group and without /proc nobody knows "
                                "which descendants are left"),
                   {{"process_id", process.id()}});
}

// Returns a process of an earlier server when something of it still runs; else null.
std::shared_ptr<const ProcessInfo> FindLeft(SessionRegistry* sessions,
                                            const std::string& process_id) {
  if (!sessions->MayHaveSurvivors(process_id)) return nullptr;
  auto located = sessions->FindProcess(process_id);
  if (!located.ok()) return nullptr;
  auto info = sessions->LookAtSurvivors(located->info);
  return info->tree_empty ? nullptr : info;
}

absl::Status LostError(const ProcessInfo& info) {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kProcessLost,
                   absl::StrCat("stop process '", info.id,
                                "': it was lost with its server, and what runs on in its ",
                                "control group is stopped with TREE alone (stop --tree)"),
                   {{"process_id", info.id}, {"pid", absl::StrCat(info.pid)}});
}

// Waits until a process has reached a state, after doing something to it, and for a time.
class EndCall : public LateCall {
 public:
  using Choose = std::function<Until(const Command&)>;
  using Limit = std::function<absl::Duration(const Command&)>;  // of the time that it waits
  using Act = std::function<void(Process&)>;
  using Fill = std::function<void(v1::Process)>;
  // The last step before the answer. On the session's thread, or with null when that is closed.
  using Finish = std::function<absl::Status(SessionContext*)>;

  EndCall(CallLabel label, Choose choose, Limit limit, Act act, Fill fill, Finish finish = nullptr)
      : LateCall(std::move(label)),
        choose_(std::move(choose)),
        limit_(std::move(limit)),
        act_(std::move(act)),
        fill_(std::move(fill)),
        finish_(std::move(finish)) {}

  void Begin(SessionRegistry* sessions, const std::string& id_or_name) {
    auto located = sessions->FindProcess(id_or_name);
    if (!located.ok()) return Answer(located.status());
    const std::string process_id = located->info->id;
    auto session = located->session;
    absl::Status entered = absl::FailedPreconditionError("closed");
    if (session != nullptr) {
      entered = Enter(session, [this, session, process_id](bool cancelled) {
        if (cancelled) return Answer(grpc::Status::CANCELLED);
        auto process = session->FindProcess(process_id);
        if (!process.ok()) return Answer(process.status());
        Watch(session.get(), *process);
      });
    }
    if (entered.ok()) return;
    // The session closed, so everything in it is drained: the table has the last word.
    auto last = sessions->FindProcess(process_id);
    if (!last.ok()) return Answer(last.status());
    const auto now = sessions->LookAtSurvivors(last->info);
    Conclude(choose_(*now->command), *now);
  }

 private:
  // `session` is that of the strand, which may not say so yet: this may be quicker than
  // its Enter.
  void Watch(SessionContext* session, std::shared_ptr<Process> process) {
    session_ = session;
    process_ = std::move(process);
    until_ = choose_(process_->command());
    timeout_ = limit_(process_->command());
    const bool group = process_->tree_mechanism() == TreeMechanism::kGroup;
    if (until_ == Until::kTreeEmpty && group) {
      // The end of the tree is unknowable: a stop ends with the process, and a mere wait never
      // would.
      if (!act_) return Answer(UnknownTreeError(*process_));
      until_ = Until::kExited;
    }
    if (act_) act_(*process_);
    listener_ = process_->AddListener([this] { Check(); });
    if (until_ == Until::kTreeEmpty) {  // which may outlive the session
      closed_listener_ = session->AddClosedListener([this] { OnSessionClosed(); });
    }
    Check();
    if (!answered() && session->Info().state == SessionState::kClosed) OnSessionClosed();
    if (answered() || finishing_) return;
    if (timeout_ <= absl::ZeroDuration()) return OnTimeout();
    timer_ = session->loop()->CallLater(timeout_, [this] { OnTimeout(); });
  }

  void Check() {
    if (answered()) return;
    if (until_ == Until::kTreeEmpty) process_->WatchTree();
    const bool tree_empty = until_ == Until::kTreeEmpty && process_->tree_empty();
    if (Reached(until_, process_->state(), tree_empty)) Conclude(until_, process_->Info());
  }

  void OnSessionClosed() {
    Check();
    if (!answered() && !finishing_) Answer(UnknownDescendantsError(process_->Info()));
  }

  // Answers with the last known state. WatchTree may have come here first: the session's close may
  // have waited only for its news.
  void Conclude(Until until, const ProcessInfo& info) {
    if (answered() || finishing_) return;
    if (!Reached(until, info.state, info.tree_empty)) return Answer(UnknownDescendantsError(info));
    if (fill_) fill_(wire::ToProto(info));
    if (!finish_) return Answer(absl::OkStatus());
    if (session_ == nullptr) return Answer(finish_(nullptr));
    // One turn later: not from within a call of the process.
    finishing_ = true;
    session_->loop()->CallSoon([this] {
      if (!answered()) Answer(finish_(session_));
    });
  }

  void OnTimeout() {
    if (finishing_) return;
    Check();  // it may have got there in the same turn
    if (answered() || finishing_) return;
    const char* what = until_ == Until::kTreeEmpty ? "descendants of it run" : "it still runs";
    if (until_ == Until::kDrained) what = "its output is not complete";
    Answer(MakeError(
        absl::StatusCode::kDeadlineExceeded, act_ ? Reason::kStopTimeout : Reason::kWaitTimeout,
        absl::StrCat(act_ ? "stop" : "wait for", " process '", process_->id(), "' (pid ",
                     process_->Info().pid, "): ", what, " after ", absl::FormatDuration(timeout_)),
        {{"process_id", process_->id()}, {"pid", absl::StrCat(process_->Info().pid)}}));
  }

  std::string DebugString() const override {
    if (process_ == nullptr) return label().DebugString();
    return absl::StrCat(label().DebugString(), ": process ", process_->id(), ", until ",
                        NameOf(until_), answered() ? ", answered" : "");
  }

  void OnAnswered() override {
    timer_.Cancel();
    if (process_ == nullptr) return;
    process_->RemoveListener(listener_);
    session_->RemoveClosedListener(closed_listener_);
  }

  const Choose choose_;
  const Limit limit_;
  const Act act_;  // how it is ended; empty where that is only waited for
  const Fill fill_;
  const Finish finish_;
  bool finishing_ = false;
  Until until_ = Until::kExited;
  absl::Duration timeout_;
  SessionContext* session_ = nullptr;  // set together with process_
  std::shared_ptr<Process> process_;
  uint64_t listener_ = 0;
  uint64_t closed_listener_ = 0;
  LoopHandle timer_;
};

}  // namespace

grpc::ServerUnaryReactor* NewWaitCall(SessionRegistry* sessions, EventHub* hub,
                                      grpc::CallbackServerContext* context,
                                      const v1::WaitProcessRequest* request,
                                      v1::WaitProcessResponse* response) {
  const CallLabel label("WaitProcess", *context);
  absl::Duration timeout = absl::InfiniteDuration();
  if (request->has_timeout()) {
    auto given = wire::FromProto(request->timeout(), "timeout", absl::ZeroDuration());
    if (!given.ok()) return Answer(context, given.status(), label.rpc);
    timeout = *given;
  }
  Until until = Until::kExited;
  switch (request->until()) {
    case v1::WAIT_UNTIL_UNSPECIFIED:
    case v1::WAIT_UNTIL_EXITED:
      break;
    case v1::WAIT_UNTIL_DRAINED:
      until = Until::kDrained;
      break;
    case v1::WAIT_UNTIL_TREE_EMPTY:
      until = Until::kTreeEmpty;
      break;
    default:
      return Answer(context, InvalidField("until", "unknown state"), label.rpc);
  }
  auto fill = [response](v1::Process process) {
    *response->mutable_process() = std::move(process);
  };
  const std::string id = sessions->processes().IdOf(request->process_id());
  if (until == Until::kTreeEmpty) {
    if (auto left = FindLeft(sessions, id)) {
      return NewSurvivorCall(label, sessions, hub, std::move(left),
                             {.limit = timeout, .fill = fill});
    }
  }
  auto* call = new EndCall(
      label, [until](const Command&) { return until; },
      [timeout](const Command&) { return timeout; }, nullptr, fill);
  call->Begin(sessions, id);
  return call;
}

grpc::ServerUnaryReactor* NewStopCall(SessionRegistry* sessions, EventHub* hub,
                                      grpc::CallbackServerContext* context,
                                      const v1::StopProcessRequest* request,
                                      v1::StopProcessResponse* response) {
  const CallLabel label("StopProcess", *context);
  const auto wanted = wire::StopOverrideFromProto(request->stop_policy(), "stop_policy");
  if (!wanted.ok()) return Answer(context, wanted.status(), label.rpc);
  auto fill = [response](v1::Process process) {
    *response->mutable_process() = std::move(process);
  };
  const std::string id = sessions->processes().IdOf(request->process_id());
  if (auto left = FindLeft(sessions, id)) {
    const StopPolicy way = wanted->Over(left->command->stop_policy);
    if (way.scope == SignalScope::kTree) {
      return NewSurvivorCall(
          label, sessions, hub, std::move(left),
          {.stop = way, .by = label.caller, .limit = way.grace + kUnkillable, .fill = fill});
    }
    if (left->lost()) return Answer(context, LostError(*left), label.rpc);
  }
  auto stop = [wanted = *wanted, caller = label.caller](Process& process) {
    process.Stop(wanted.Over(process.command().stop_policy), {ExitCause::kClientSignal, caller});
  };
  auto until = [wanted = *wanted](const Command& command) {
    const SignalScope scope = wanted.Over(command.stop_policy).scope;
    return scope == SignalScope::kTree ? Until::kTreeEmpty : Until::kExited;
  };
  auto limit = [wanted = *wanted](const Command& command) {
    return wanted.Over(command.stop_policy).grace + kUnkillable;
  };
  auto* call = new EndCall(label, until, limit, stop, fill);
  call->Begin(sessions, id);
  return call;
}

grpc::ServerUnaryReactor* NewForcedRemoveCall(SessionRegistry* sessions, EventHub* hub,
                                              grpc::CallbackServerContext* context,
                                              const v1::RemoveProcessRequest* request) {
  const CallLabel label("RemoveProcess", *context);
  const std::string id = sessions->processes().IdOf(request->process_id());
  if (auto left = FindLeft(sessions, id); left != nullptr && left->lost()) {
    const StopPolicy way = {.grace = absl::ZeroDuration(), .scope = SignalScope::kTree};
    return NewSurvivorCall(label, sessions, hub, std::move(left),
                           {.stop = way,
                            .by = label.caller,
                            .limit = kUnkillable,
                            .fill = [sessions, id](const v1::Process&) {
                              sessions->RemoveProcess(id, RemovalReason::kClientRequest);
                            }});
  }
  auto kill = [caller = label.caller](Process& process) {
    process.Kill({ExitCause::kClientSignal, caller});
  };
  auto remove = [sessions, id](SessionContext* session) {
    if (session == nullptr) {
      sessions->RemoveProcess(id, RemovalReason::kClientRequest);
    } else {
      (void)session->RemoveProcess(id, RemovalReason::kClientRequest);  // gone meanwhile: as well
    }
    return absl::OkStatus();
  };
  auto* call = new EndCall(
      label, [](const Command&) { return Until::kExited; },
      [](const Command&) { return kUnkillable; }, kill, nullptr, remove);
  call->Begin(sessions, id);
  return call;
}

}  // namespace proctor::server
