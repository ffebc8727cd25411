#pragma once

#include <memory>
#include <utility>

#include "core/registry/session_registry.h"
#include "core/tree/usage_sampler.h"
#include "proctor/v1/process_service.grpc.pb.h"
#include "server/event/event_hub.h"

namespace proctor::server {

// proctor.v1.ProcessService. Checks the request, hops to the thread of the session
// concerned, and answers from there.
//
// Thread-safety: gRPC calls it from any thread. Lifetime: outlives the gRPC server;
// `sessions` and `hub` outlive it.
class ProcessService final : public v1::ProcessService::CallbackService {
 public:
  ProcessService(SessionRegistry* sessions, EventHub* hub, std::shared_ptr<ProcessTrees> trees)
      : sessions_(sessions), hub_(hub), usage_(std::move(trees)) {}

  grpc::ServerUnaryReactor* StartProcess(grpc::CallbackServerContext* context,
                                         const v1::StartProcessRequest* request,
                                         v1::StartProcessResponse* response) override;
  grpc::ServerBidiReactor<v1::RunProcessRequest, v1::RunProcessResponse>* RunProcess(
      grpc::CallbackServerContext* context) override;
  grpc::ServerBidiReactor<v1::AttachProcessRequest, v1::AttachProcessResponse>* AttachProcess(
      grpc::CallbackServerContext* context) override;
  grpc::ServerWriteReactor<v1::ReadOutputResponse>* ReadOutput(
      grpc::CallbackServerContext* context, const v1::ReadOutputRequest* request) override;
  grpc::ServerUnaryReactor* WriteStdin(grpc::CallbackServerContext* context,
                                       const v1::WriteStdinRequest* request,
                                       v1::WriteStdinResponse* response) override;
  grpc::ServerUnaryReactor* ResizeTerminal(grpc::CallbackServerContext* context,
                                           const v1::ResizeTerminalRequest* request,
                                           v1::ResizeTerminalResponse* response) override;
  grpc::ServerUnaryReactor* SignalProcess(grpc::CallbackServerContext* context,
                                          const v1::SignalProcessRequest* request,
                                          v1::SignalProcessResponse* response) override;
  grpc::ServerUnaryReactor* StopProcess(grpc::CallbackServerContext* context,
                                        const v1::StopProcessRequest* request,
                                        v1::StopProcessResponse* response) override;
  grpc::ServerUnaryReactor* CancelStart(grpc::CallbackServerContext* context,
                                        const v1::CancelStartRequest* request,
                                        v1::CancelStartResponse* response) override;
  grpc::ServerUnaryReactor* WaitProcess(grpc::CallbackServerContext* context,
                                        const v1::WaitProcessRequest* request,
                                        v1::WaitProcessResponse* response) override;
  grpc::ServerUnaryReactor* GetProcess(grpc::CallbackServerContext* context,
                                       const v1::GetProcessRequest* request,
                                       v1::GetProcessResponse* response) override;
  grpc::ServerUnaryReactor* ListProcesses(grpc::CallbackServerContext* context,
                                          const v1::ListProcessesRequest* request,
                                          v1::ListProcessesResponse* response) override;
  grpc::ServerUnaryReactor* UpdateProcess(grpc::CallbackServerContext* context,
                                          const v1::UpdateProcessRequest* request,
                                          v1::UpdateProcessResponse* response) override;
  grpc::ServerUnaryReactor* RemoveProcess(grpc::CallbackServerContext* context,
                                          const v1::RemoveProcessRequest* request,
                                          v1::RemoveProcessResponse* response) override;
  grpc::ServerUnaryReactor* RestartProcess(grpc::CallbackServerContext* context,
                                           const v1::RestartProcessRequest* request,
                                           v1::RestartProcessResponse* response) override;
  grpc::ServerUnaryReactor* GetProcessUsage(grpc::CallbackServerContext* context,
                                            const v1::GetProcessUsageRequest* request,
                                            v1::GetProcessUsageResponse* response) override;

 private:
  SessionRegistry* const sessions_;
  EventHub* const hub_;
  UsageSampler usage_;
};

}  // namespace proctor::server
