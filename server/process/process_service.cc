#include "server/process/process_service.h"

#include <memory>
#include <string>
#include <utility>

#include "core/self/background_thread.h"
#include "proctor/error.h"
#include "server/call/page_token.h"
#include "server/call/request_id.h"
#include "server/call/rpc_caller.h"
#include "server/call/unary.h"
#include "server/process/on_process.h"
#include "server/process/past_process.h"
#include "server/process/process_calls.h"
#include "server/process/process_change.h"
#include "server/process/process_listing.h"
#include "server/process/process_start.h"
#include "server/process/usage_call.h"
#include "server/wire/command.h"
#include "server/wire/field.h"
#include "server/wire/process.h"

namespace proctor::server {
namespace {

// Opens default sessions for requests over HTTP: gRPC answers those on the calling thread, the only
// one that serves HTTP.
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
  const UnaryCall call(context);
  StartIn(sessions_, request->session_id(), *std::move(command), call, request, response);
  return call.reactor();
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
  const UnaryCall call(context);
  const bool may_open = restart->session_id.empty();
  auto start = [sessions = sessions_, restart = *std::move(restart), call, request,
                response]() mutable {
    StartIn(sessions, restart.session_id, std::move(restart.command), call, request, response);
  };
  if (!may_open) {
    start();
  } else if (auto posted = OpeningThread().Post(std::move(start)); !posted.ok()) {
    call.Finish(posted);
  }
  return call.reactor();
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
    grpc::CallbackServerContext* context, const v1::ReadOutputRequest* request) {
  return NewReadOutputCall(sessions_, context, request);
}

grpc::ServerUnaryReactor* ProcessService::WriteStdin(grpc::CallbackServerContext* context,
                                                     const v1::WriteStdinRequest* request,
                                                     v1::WriteStdinResponse* response) {
  return NewWriteStdinCall(sessions_, context, request, response);
}

grpc::ServerUnaryReactor* ProcessService::ResizeTerminal(grpc::CallbackServerContext* context,
                                                         const v1::ResizeTerminalRequest* request,
                                                         v1::ResizeTerminalResponse*) {
  if (!request->has_size()) return Answer(context, InvalidField("size", "is required"));
  return OnProcess(
      context, sessions_, request->process_id(),
      [size = wire::FromProto(request->size())](SessionContext&, Process& process) {
        return InMember("size", process.Resize(size));
      },
      ClosedSessionError);
}

grpc::ServerUnaryReactor* ProcessService::SignalProcess(grpc::CallbackServerContext* context,
                                                        const v1::SignalProcessRequest* request,
                                                        v1::SignalProcessResponse* response) {
  // Only this RPC may ask by signal 0.
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
  const UnaryCall call(context);
  const absl::Status posted = (*session)->Post(
      [session = *session, call, request_id, response, caller = CallerName(*context)] {
        auto process = session->CancelStart(request_id, caller);
        if (process.ok() && *process != nullptr) {
          *response->mutable_process() = wire::ToProto((*process)->Info());
        }
        call.Finish(process.status());
      });
  if (!posted.ok()) call.Finish(posted);
  return call.reactor();
}

grpc::ServerUnaryReactor* ProcessService::WaitProcess(grpc::CallbackServerContext* context,
                                                      const v1::WaitProcessRequest* request,
                                                      v1::WaitProcessResponse* response) {
  return NewWaitCall(sessions_, hub_, context, request, response);
}

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
        // Info has the result of the look.
        process.LookAtTree([fill, raw = &process, answer] { answer->Finish(fill(raw->Info())); });
      },
      [fill, sessions = sessions_](const ProcessInfo& info) {
        return fill(*sessions->LookAtSurvivors(std::make_shared<const ProcessInfo>(info)));
      });
}

grpc::ServerUnaryReactor* ProcessService::ListProcesses(grpc::CallbackServerContext* context,
                                                        const v1::ListProcessesRequest* request,
                                                        v1::ListProcessesResponse* response) {
  return Answer(context, server::ListProcesses(sessions_, *request, response));
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
        return wire::InUpdate(updated.status());
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
        return session.RemoveProcess(process, RemovalReason::kClientRequest);
      },
      [sessions = sessions_](const ProcessInfo& info) {
        const auto now = sessions->LookAtSurvivors(std::make_shared<const ProcessInfo>(info));
        const absl::Status status = CheckForgettable(*now);
        if (status.ok()) sessions->ForgetProcess(*now, RemovalReason::kClientRequest);
        return status;
      });
}

grpc::ServerUnaryReactor* ProcessService::GetProcessUsage(grpc::CallbackServerContext* context,
                                                          const v1::GetProcessUsageRequest* request,
                                                          v1::GetProcessUsageResponse* response) {
  return AnswerUsage(sessions_, &usage_, context, request, response);
}

}  // namespace proctor::server
