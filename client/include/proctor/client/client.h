#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "proctor/client/connect_options.h"
#include "proctor/client/error.h"
#include "proctor/client/event_stream.h"
#include "proctor/client/process_stream.h"
#include "proctor/client/reconnector.h"
#include "proctor/client/rpc.h"
#include "proctor/v1/event_service.pb.h"
#include "proctor/v1/process_service.pb.h"
#include "proctor/v1/server_service.pb.h"
#include "proctor/v1/session_service.pb.h"

namespace proctor::client {

// A client of one server: every RPC of the contract, typed and blocking.
//
//     auto client = Client::Connect({.host = "unix:/run/proctor/proctord.sock"});
//     v1::StopProcessRequest request;
//     request.set_process_id(id);
//     absl::StatusOr<v1::StopProcessResponse> stopped = (*client)->StopProcess(request);
//
// The unary RPCs are members that are called like methods; client.cc binds each to its stub in one
// line (rpc.h explains their errors). Streams are objects of their own.
//
// Thread-safe. Streams that it makes outlive it.
class Client {
 public:
  // Reads the TLS files and checks the owner of a unix socket. Errors as MakeChannel.
  static absl::StatusOr<std::unique_ptr<Client>> Connect(const ConnectOptions& options);

  explicit Client(std::shared_ptr<const Stubs> stubs);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Runs a process and stays with it (RunProcess).
  std::unique_ptr<ProcessStream> Run(const v1::RunStart& start) const;
  // Joins a process (AttachProcess).
  std::unique_ptr<ProcessStream> Attach(const v1::AttachStart& start,
                                        const ReconnectPolicy& reconnect = {}) const;
  // Reads the kept output of a process (ReadOutput). Takes no input.
  std::unique_ptr<ProcessStream> ReadOutput(const v1::ReadOutputRequest& request,
                                            const ReconnectPolicy& reconnect = {}) const;
  // Follows events.
  std::unique_ptr<EventStream> WatchEvents(const v1::WatchEventsRequest& request) const;

  // WaitProcess over losses of the server, as `reconnector` allows; the request's timeout holds for
  // all attempts together.
  absl::StatusOr<v1::WaitProcessResponse> WaitProcessOverLosses(
      const v1::WaitProcessRequest& request, Reconnector* reconnector) const;

  // ProcessService.
  const Rpc<v1::StartProcessRequest, v1::StartProcessResponse> StartProcess;
  const Rpc<v1::WriteStdinRequest, v1::WriteStdinResponse> WriteStdin;
  const Rpc<v1::ResizeTerminalRequest, v1::ResizeTerminalResponse> ResizeTerminal;
  const Rpc<v1::SignalProcessRequest, v1::SignalProcessResponse> SignalProcess;
  const Rpc<v1::StopProcessRequest, v1::StopProcessResponse> StopProcess;
  const Rpc<v1::CancelStartRequest, v1::CancelStartResponse> CancelStart;
  const Rpc<v1::WaitProcessRequest, v1::WaitProcessResponse> WaitProcess;
  const Rpc<v1::GetProcessRequest, v1::GetProcessResponse> GetProcess;
  const Rpc<v1::ListProcessesRequest, v1::ListProcessesResponse> ListProcesses;
  const Rpc<v1::UpdateProcessRequest, v1::UpdateProcessResponse> UpdateProcess;
  const Rpc<v1::RemoveProcessRequest, v1::RemoveProcessResponse> RemoveProcess;
  const Rpc<v1::RestartProcessRequest, v1::RestartProcessResponse> RestartProcess;
  const Rpc<v1::GetProcessUsageRequest, v1::GetProcessUsageResponse> GetProcessUsage;

  // SessionService.
  const Rpc<v1::CreateSessionRequest, v1::CreateSessionResponse> CreateSession;
  const Rpc<v1::GetSessionRequest, v1::GetSessionResponse> GetSession;
  const Rpc<v1::ListSessionsRequest, v1::ListSessionsResponse> ListSessions;
  const Rpc<v1::RenewSessionRequest, v1::RenewSessionResponse> RenewSession;
  const Rpc<v1::SetSessionWatcherRequest, v1::SetSessionWatcherResponse> SetSessionWatcher;
  const Rpc<v1::CloseSessionRequest, v1::CloseSessionResponse> CloseSession;

  // EventService.
  const Rpc<v1::ListEventsRequest, v1::ListEventsResponse> ListEvents;

  // ServerService.
  const Rpc<v1::GetServerInfoRequest, v1::GetServerInfoResponse> GetServerInfo;
  const Rpc<v1::GetPolicyRequest, v1::GetPolicyResponse> GetPolicy;
  const Rpc<v1::SetPolicyRequest, v1::SetPolicyResponse> SetPolicy;
  const Rpc<v1::DrainRequest, v1::DrainResponse> Drain;
  const Rpc<v1::CreateDashboardLinkRequest, v1::CreateDashboardLinkResponse> CreateDashboardLink;
  const Rpc<v1::DumpStateRequest, v1::DumpStateResponse> DumpState;

  // For a call that wants a context of its own; see stubs.h.
  const Stubs& stubs() const { return *stubs_; }

 private:
  const std::shared_ptr<const Stubs> stubs_;
};

}  // namespace proctor::client
