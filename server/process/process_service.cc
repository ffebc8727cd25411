#include "server/process/process_service.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/self/background_thread.h"
#include "server/call/page_token.h"
#include "server/call/request_id.h"
#include "server/call/rpc_caller.h"
#include "server/call/unary.h"
#include "server/process/process_calls.h"
#include "server/process/usage_call.h"
#include "server/wire/command.h"
#include "server/wire/process.h"

namespace proctor::server {
namespace {

// The answer to a unary RPC whose work may come back later: once, and where the work was dropped
// with its loop, because the session is closed by then, as `otherwise` says.
class LateAnswer {
 public:
  LateAnswer(grpc::ServerUnaryReactor* reactor, std::function<absl::Status()> otherwise)
      : reactor_(reactor), otherwise_(std::move(otherwise)) {}
  ~LateAnswer() {
    if (reactor_ != nullptr) Finish(otherwise_());
  }
  LateAnswer(const LateAnswer&) = delete;
  LateAnswer& operator=(const LateAnswer&) = delete;

  void Finish(const absl::Status& status) {
    std::exchange(reactor_, nullptr)->Finish(wire::ToGrpc(status));
  }

 private:
  grpc::ServerUnaryReactor* reactor_;
  const std::function<absl::Status()> otherwise_;
};

// Runs `work` with a process on its session's thread, which is given the answer to finish;
// `gone` answers where the session is closed.
template <typename Work, typename Gone>
grpc::ServerUnaryReactor* OnProcessLate(grpc::CallbackServerContext* context,
                                        SessionRegistry* sessions, const std::string& id_or_name,
                                        Work work, Gone gone) {
  auto located = sessions->FindProcess(id_or_name);
  if (!located.ok()) return Answer(context, located.status());
  const std::string process_id = located->info->id;
  auto* reactor = context->DefaultReactor();
  auto session = located->session;
  // What the table says then: the process was drained before its session closed.
  const auto otherwise = [sessions, process_id, gone] {
    auto last = sessions->FindProcess(process_id);
    return last.ok() ? gone(*last->info) : last.status();
  };
  absl::Status posted = absl::FailedPreconditionError("closed");
  if (session != nullptr) {
    posted = session->Post([session, reactor, process_id, work, otherwise] {
      auto process = session->FindProcess(process_id);
      auto answer = std::make_shared<LateAnswer>(reactor, otherwise);
      if (!process.ok()) return answer->Finish(process.status());
      work(*session, **process, answer);
    });
  }
  if (!posted.ok()) reactor->Finish(wire::ToGrpc(otherwise()));
  return reactor;
}

// As above for work that knows the answer at once, and returns it.
template <typename Work, typename Gone>
grpc::ServerUnaryReactor* OnProcess(grpc::CallbackServerContext* context, SessionRegistry* sessions,
                                    const std::string& id_or_name, Work work, Gone gone) {
  return OnProcessLate(
      context, sessions, id_or_name,
      [work](SessionContext& session, Process& process, const std::shared_ptr<LateAnswer>& answer) {
        answer->Finish(work(session, process));
      },
      gone);
}

absl::Status ExitedError(const ProcessInfo& info) {
  const char* why = info.lost()
                        ? "': it was lost with its server, and its pid may be a stranger's; "
                          "TREE reaches what is known to be left of it (kill --tree)"
                        : "': it has ended";
  return MakeError(absl::StatusCode::kNotFound, Reason::kProcessExited,
                   "signal process '" + info.id + why, {{"process_id", info.id}});
}

// Whether a lost server has left something of the process.
absl::Status SurvivorsStatus(SessionRegistry* sessions, const ProcessInfo& info) {
  const auto now = sessions->LookAtSurvivors(std::make_shared<const ProcessInfo>(info));
  if (now->survivors > 0) return absl::OkStatus();
  return now->tree_empty ? ExitedError(*now) : UnknownDescendantsError(info);
}

// An ended process may be forgotten; one that was lost, and of which something runs on, could
// then be reached by nobody.
absl::Status CheckForgettable(const ProcessInfo& info) {
  if (!info.lost() || info.survivors == 0) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kProcessRunning,
                   absl::StrCat("remove process '", info.id,
                                "': it was lost with its server, and what it left runs on (",
                                info.survivors, ")"),
                   {{"process_id", info.id}});
}

// Parts of the retention that are not said stay as they are.
absl::StatusOr<ProcessChange> ChangeFromProto(const v1::UpdateProcessRequest& request) {
  ProcessChange change;
  change.labels.insert(request.labels().begin(), request.labels().end());
  const v1::OutputRetention& output = request.output();
  if (output.retain_bytes() != 0) change.retain_bytes = output.retain_bytes();
  switch (output.overflow()) {
    case v1::OVERFLOW_POLICY_UNSPECIFIED:
      return change;
    case v1::OVERFLOW_POLICY_BLOCK_CHILD:
      change.overflow = OverflowPolicy::kBlockChild;
      return change;
    case v1::OVERFLOW_POLICY_DROP_OLDEST:
      change.overflow = OverflowPolicy::kDropOldest;
      return change;
    default:
      return InvalidField("output.overflow", "unknown policy");
  }
}

bool MatchesState(const v1::ListProcessesRequest& request, const ProcessInfo& info) {
  const auto& states = request.states();
  return states.empty() ||
         std::find(states.begin(), states.end(), wire::ToProto(info.state)) != states.end();
}

// Whatever its state.
bool Matches(const v1::ListProcessesRequest& request, const ProcessInfo& info) {
  if (!request.session_id().empty() && request.session_id() != info.session_id) return false;
  const auto& labels = info.command->labels;
  return std::all_of(request.labels().begin(), request.labels().end(), [&](const auto& wanted) {
    auto found = labels.find(wanted.first);
    return found != labels.end() && found->second == wanted.second;
  });
}

// Starts a command, once for each request_id, and answers with its process.
template <typename Request, typename Response>
void StartIn(SessionRegistry* sessions, const std::string& session_id, Command command,
             grpc::ServerUnaryReactor* reactor, const Request* request, Response* response) {
  auto past = sessions->FindStarted(session_id, request->request_id(), command);
  if (!past.ok()) return reactor->Finish(wire::ToGrpc(past.status()));
  if (*past != nullptr) {
    *response->mutable_process() = wire::ToProto(**past);
    return reactor->Finish(grpc::Status::OK);
  }
  auto session = sessions->Find(session_id);
  if (!session.ok()) return reactor->Finish(wire::ToGrpc(session.status()));
  const absl::Status posted = (*session)->Post(
      [session = *session, reactor, request, response, command = std::move(command)]() mutable {
        auto process = session->StartProcess(std::move(command), request->request_id());
        if (process.ok()) *response->mutable_process() = wire::ToProto((*process)->Info());
        reactor->Finish(wire::ToGrpc(process.status()));
      });
  if (!posted.ok()) reactor->Finish(wire::ToGrpc(posted));
}

// Opens default sessions for what is asked over HTTP: gRPC answers that on the thread which asks,
// the only one that serves HTTP.
BackgroundThread& OpeningThread() {
  static BackgroundThread& thread = *new BackgroundThread;
  return thread;
}

}  // namespace

grpc::ServerUnaryReactor* ProcessService::StartProcess(grpc::CallbackServerContext* context,
                                                       const v1::StartProcessRequest* request,
                                                       v1::StartProcessResponse* response) {
  if (!request->has_spec()) return Answer(context, InvalidField("spec", "is required"));
  if (auto status = CheckRequestId(request->request_id(), "request_id"); !status.ok()) {
    return Answer(context, status);
  }
  auto command = wire::CommandFromProto(request->spec(), OverflowPolicy::kDropOldest);
  if (!command.ok()) return Answer(context, command.status());
  auto* reactor = context->DefaultReactor();
  StartIn(sessions_, request->session_id(), *std::move(command), reactor, request, response);
  return reactor;
}

grpc::ServerUnaryReactor* ProcessService::RestartProcess(grpc::CallbackServerContext* context,
                                                         const v1::RestartProcessRequest* request,
                                                         v1::RestartProcessResponse* response) {
  if (auto status = CheckRequestId(request->request_id(), "request_id"); !status.ok()) {
    return Answer(context, status);
  }
  auto restart = sessions_->PrepareRestart(request->process_id(), request->session_id(),
                                           request->request_id());
  if (!restart.ok()) return Answer(context, restart.status());
  if (restart->started != nullptr) {
    *response->mutable_process() = wire::ToProto(*restart->started);
    return Answer(context, absl::OkStatus());
  }
  auto* reactor = context->DefaultReactor();
  const bool may_open = restart->session_id.empty();
  auto start = [sessions = sessions_, restart = *std::move(restart), reactor, request,
                response]() mutable {
    StartIn(sessions, restart.session_id, std::move(restart.command), reactor, request, response);
  };
  if (!may_open) {
    start();
  } else if (auto posted = OpeningThread().Post(std::move(start)); !posted.ok()) {
    reactor->Finish(wire::ToGrpc(posted));
  }
  return reactor;
}

grpc::ServerBidiReactor<v1::RunProcessRequest, v1::RunProcessResponse>* ProcessService::RunProcess(
    grpc::CallbackServerContext* context) {
  return NewRunCall(sessions_, context);
}

grpc::ServerBidiReactor<v1::AttachProcessRequest, v1::AttachProcessResponse>*
ProcessService::AttachProcess(grpc::CallbackServerContext* context) {
  return NewAttachCall(sessions_, context);
}

grpc::ServerWriteReactor<v1::ReadOutputResponse>* ProcessService::ReadOutput(
    grpc::CallbackServerContext*, const v1::ReadOutputRequest* request) {
  return NewReadOutputCall(sessions_, request);
}

grpc::ServerUnaryReactor* ProcessService::WriteStdin(grpc::CallbackServerContext*,
                                                     const v1::WriteStdinRequest* request,
                                                     v1::WriteStdinResponse* response) {
  return NewWriteStdinCall(sessions_, request, response);
}

grpc::ServerUnaryReactor* ProcessService::ResizeTerminal(grpc::CallbackServerContext* context,
                                                         const v1::ResizeTerminalRequest* request,
                                                         v1::ResizeTerminalResponse*) {
  if (!request->has_size()) return Answer(context, InvalidField("size", "is required"));
  return OnProcess(
      context, sessions_, request->process_id(),
      [size = wire::FromProto(request->size())](SessionContext&, Process& process) {
        return process.Resize(size, "size");
      },
      ClosedSessionError);
}

grpc::ServerUnaryReactor* ProcessService::SignalProcess(grpc::CallbackServerContext* context,
                                                        const v1::SignalProcessRequest* request,
                                                        v1::SignalProcessResponse* response) {
  // Nothing but this RPC may ask by signal 0.
  auto signal = request->signal() == "0" ? absl::StatusOr<int>(0)
                                         : wire::SignalFromProto(request->signal(), "signal");
  if (!signal.ok()) return Answer(context, signal.status());
  auto scope = wire::ScopeFromProto(request->scope(), SignalScope::kLeader, "scope");
  if (!scope.ok()) return Answer(context, scope.status());
  const bool tree = *scope == SignalScope::kTree;
  return OnProcessLate(
      context, sessions_, request->process_id(),
      [signal = *signal, scope = *scope, tree, response, caller = CallerName(*context)](
          SessionContext&, Process& process, const std::shared_ptr<LateAnswer>& answer) {
        if (tree) response->set_tree_mechanism(wire::ToProto(process.tree_mechanism()));
        process.Signal(signal, scope, caller,
                       [answer](const absl::Status& sent) { answer->Finish(sent); });
      },
      [sessions = sessions_, signal = *signal, tree, response,
       caller = CallerName(*context)](const ProcessInfo& info) {
        if (!tree || info.tree_empty) return ExitedError(info);
        if (signal == 0) return SurvivorsStatus(sessions, info);
        const absl::Status sent = sessions->SignalSurvivors(info, {signal}, caller);
        if (absl::IsNotFound(sent)) return UnknownDescendantsError(info);
        response->set_tree_mechanism(wire::ToProto(info.tree_mechanism));
        return sent;
      });
}

grpc::ServerUnaryReactor* ProcessService::StopProcess(grpc::CallbackServerContext* context,
                                                      const v1::StopProcessRequest* request,
                                                      v1::StopProcessResponse* response) {
  return NewStopCall(sessions_, hub_, context, request, response);
}

grpc::ServerUnaryReactor* ProcessService::CancelStart(grpc::CallbackServerContext* context,
                                                      const v1::CancelStartRequest* request,
                                                      v1::CancelStartResponse* response) {
  const std::string& request_id = request->request_id();
  if (request_id.empty()) return Answer(context, InvalidField("request_id", "is required"));
  if (auto status = CheckRequestId(request_id, "request_id"); !status.ok()) {
    return Answer(context, status);
  }
  auto past = sessions_->FindStarted(request->session_id(), request_id);
  if (!past.ok()) return Answer(context, past.status());
  if (*past != nullptr) {  // it has ended, or is lost
    *response->mutable_process() = wire::ToProto(**past);
    return Answer(context, absl::OkStatus());
  }
  auto session = sessions_->Find(request->session_id());
  if (!session.ok()) return Answer(context, session.status());
  auto* reactor = context->DefaultReactor();
  const absl::Status posted = (*session)->Post(
      [session = *session, reactor, request_id, response, caller = CallerName(*context)] {
        auto process = session->CancelStart(request_id, caller);
        if (process.ok() && *process != nullptr) {
          *response->mutable_process() = wire::ToProto((*process)->Info());
        }
        reactor->Finish(wire::ToGrpc(process.status()));
      });
  if (!posted.ok()) reactor->Finish(wire::ToGrpc(posted));
  return reactor;
}

grpc::ServerUnaryReactor* ProcessService::WaitProcess(grpc::CallbackServerContext* context,
                                                      const v1::WaitProcessRequest* request,
                                                      v1::WaitProcessResponse* response) {
  return NewWaitCall(sessions_, hub_, context, request, response);
}

namespace {

v1::OutputPlace PlaceOfOutput(const SessionRegistry& sessions, const ProcessInfo& info) {
  switch (sessions.OutputPlaceOf(info)) {
    case SessionRegistry::OutputPlace::kSession:
      return v1::OUTPUT_PLACE_MEMORY;
    case SessionRegistry::OutputPlace::kDisk:
      return v1::OUTPUT_PLACE_DISK;
    case SessionRegistry::OutputPlace::kGone:
      break;
  }
  return v1::OUTPUT_PLACE_GONE;
}

}  // namespace

grpc::ServerUnaryReactor* ProcessService::GetProcess(grpc::CallbackServerContext* context,
                                                     const v1::GetProcessRequest* request,
                                                     v1::GetProcessResponse* response) {
  const std::string process_id = sessions_->processes().IdOf(request->process_id());
  auto page = ReadPage(0, request->page_token(), process_id);
  if (!page.ok()) return Answer(context, page.status());
  const auto fill = [response, sessions = sessions_, after = page->after](const ProcessInfo& info) {
    uint64_t next = 0;
    *response->mutable_process() = wire::ToProtoPage(info, after, kMostPageBytes / 2, &next);
    if (after == 0) response->mutable_process()->set_output_place(PlaceOfOutput(*sessions, info));
    if (next != 0) response->set_next_page_token(MakePageToken(next, info.id));
    return absl::OkStatus();
  };
  return OnProcessLate(
      context, sessions_, process_id,
      [fill](SessionContext&, Process& process, const std::shared_ptr<LateAnswer>& answer) {
        // Info tells what the look finds out.
        process.LookAtTree([fill, raw = &process, answer] { answer->Finish(fill(raw->Info())); });
      },
      [fill, sessions = sessions_](const ProcessInfo& info) {
        return fill(*sessions->LookAtSurvivors(std::make_shared<const ProcessInfo>(info)));
      });
}

grpc::ServerUnaryReactor* ProcessService::ListProcesses(grpc::CallbackServerContext* context,
                                                        const v1::ListProcessesRequest* request,
                                                        v1::ListProcessesResponse* response) {
  for (const int state : request->states()) {
    if (state != v1::PROCESS_STATE_UNSPECIFIED && v1::ProcessState_IsValid(state)) continue;
    return Answer(context, InvalidField("states", "unknown state"));
  }
  const std::string filter = FilterOf(*request);
  auto page = ReadPage(request->page_size(), request->page_token(), filter);
  if (!page.ok()) return Answer(context, page.status());
  if (!request->session_id().empty()) {
    auto session = sessions_->GetInfo(request->session_id());
    if (!session.ok()) return Answer(context, session.status());
  }
  absl::flat_hash_set<std::string> survived;
  if (request->include_survivors()) survived = sessions_->ProcessesWithSurvivors();
  // One more than the page tells whether there is a next one.
  auto entries = sessions_->processes().List(
      page->after, page->size + 1, [request, &survived](const ProcessInfo& info) {
        return (MatchesState(*request, info) || survived.contains(info.id)) &&
               Matches(*request, info);
      });
  PageRoom room;
  uint64_t last = page->after;
  for (const auto& entry : entries) {
    const auto info = sessions_->LookAtSurvivors(entry.info);
    if (info->survivors == 0 && !MatchesState(*request, *info)) {  // they have ended
      last = entry.ordinal;
      continue;
    }
    v1::Process process = wire::ToProto(*info);
    process.set_output_place(PlaceOfOutput(*sessions_, *info));
    if (static_cast<size_t>(response->processes_size()) == page->size ||
        !room.Take(process.ByteSizeLong())) {
      response->set_next_page_token(MakePageToken(last, filter));
      break;
    }
    *response->add_processes() = std::move(process);
    last = entry.ordinal;
  }
  if (response->next_page_token().empty() && entries.size() > page->size) {
    response->set_next_page_token(MakePageToken(last, filter));  // some were passed over
  }
  return Answer(context, absl::OkStatus());
}

grpc::ServerUnaryReactor* ProcessService::UpdateProcess(grpc::CallbackServerContext* context,
                                                        const v1::UpdateProcessRequest* request,
                                                        v1::UpdateProcessResponse* response) {
  auto change = ChangeFromProto(*request);
  if (!change.ok()) return Answer(context, change.status());
  return OnProcess(
      context, sessions_, request->process_id(),
      [change = *std::move(change), response](SessionContext& session, Process& process) {
        auto updated = session.UpdateProcess(process.id(), change);
        if (updated.ok()) *response->mutable_process() = wire::ToProto((*updated)->Info());
        return updated.status();
      },
      ClosedSessionError);
}

grpc::ServerUnaryReactor* ProcessService::RemoveProcess(grpc::CallbackServerContext* context,
                                                        const v1::RemoveProcessRequest* request,
                                                        v1::RemoveProcessResponse*) {
  if (request->force()) return NewForcedRemoveCall(sessions_, hub_, context, request);
  return OnProcess(
      context, sessions_, request->process_id(),
      [](SessionContext& session, Process& process) {
        return session.RemoveProcess(process.id(), "CLIENT_REQUEST");
      },
      [sessions = sessions_](const ProcessInfo& info) {
        const auto now = sessions->LookAtSurvivors(std::make_shared<const ProcessInfo>(info));
        const absl::Status status = CheckForgettable(*now);
        if (status.ok()) sessions->ForgetProcess(*now, "CLIENT_REQUEST");
        return status;
      });
}

grpc::ServerUnaryReactor* ProcessService::GetProcessUsage(grpc::CallbackServerContext* context,
                                                          const v1::GetProcessUsageRequest* request,
                                                          v1::GetProcessUsageResponse* response) {
  return AnswerUsage(sessions_, &usage_, context, request, response);
}

}  // namespace proctor::server
