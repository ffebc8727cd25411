#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/connection/connect_options.h"
#include "client/connection/error.h"
#include "client/cpp/event_stream.h"
#include "client/cpp/process_stream.h"
#include "client/cpp/reconnector.h"
#include "proctor/v1/event_service.pb.h"
#include "proctor/v1/process_service.pb.h"
#include "proctor/v1/server_service.pb.h"
#include "proctor/v1/session_service.pb.h"

namespace proctor::client {

// A client of one server: every RPC of the contract, typed and blocking.
//
// Thread-safe. Streams that it makes outlive it.
//
// Each unary method returns an OK Error and fills `*response`, or returns why not; the errors by
// code and reason stand in the contract, at the RPC of the same name. An Error that IsUnreachable
// leaves open whether the server acted; RPCs with a request_id or an offset can be repeated.

struct CallOptions {
  // How long to wait for an answer. No call's deadline ends a process.
  absl::Duration timeout = absl::InfiniteDuration();
};

class Client {
 public:
  // Reads the TLS files and looks at whose a unix socket is. Errors as MakeChannel.
  static absl::StatusOr<std::unique_ptr<Client>> Connect(const ConnectOptions& options);

  explicit Client(std::shared_ptr<const Stubs> stubs);

  // Runs a process and stays with it (RunProcess).
  std::unique_ptr<ProcessStream> Run(const v1::RunStart& start) const;
  // Joins a process (AttachProcess).
  std::unique_ptr<ProcessStream> Attach(const v1::AttachStart& start,
                                        const ReconnectPolicy& reconnect = {}) const;
  // Reads what is kept of a process's output (ReadOutput). Takes no input.
  std::unique_ptr<ProcessStream> ReadOutput(const v1::ReadOutputRequest& request,
                                            const ReconnectPolicy& reconnect = {}) const;
  // Follows events.
  std::unique_ptr<EventStream> WatchEvents(const v1::WatchEventsRequest& request) const;

  // ProcessService.
  Error StartProcess(const v1::StartProcessRequest& request, v1::StartProcessResponse* response,
                     const CallOptions& options = {}) const;
  Error WriteStdin(const v1::WriteStdinRequest& request, v1::WriteStdinResponse* response,
                   const CallOptions& options = {}) const;
  Error ResizeTerminal(const v1::ResizeTerminalRequest& request,
                       v1::ResizeTerminalResponse* response, const CallOptions& options = {}) const;
  Error SignalProcess(const v1::SignalProcessRequest& request, v1::SignalProcessResponse* response,
                      const CallOptions& options = {}) const;
  Error StopProcess(const v1::StopProcessRequest& request, v1::StopProcessResponse* response,
                    const CallOptions& options = {}) const;
  Error CancelStart(const v1::CancelStartRequest& request, v1::CancelStartResponse* response,
                    const CallOptions& options = {}) const;
  Error WaitProcess(const v1::WaitProcessRequest& request, v1::WaitProcessResponse* response,
                    const CallOptions& options = {}) const;
  // The same over losses of the server, as `reconnector` allows; the request's timeout holds for
  // all attempts together.
  Error WaitProcess(const v1::WaitProcessRequest& request, v1::WaitProcessResponse* response,
                    Reconnector* reconnector) const;
  Error GetProcess(const v1::GetProcessRequest& request, v1::GetProcessResponse* response,
                   const CallOptions& options = {}) const;
  Error ListProcesses(const v1::ListProcessesRequest& request, v1::ListProcessesResponse* response,
                      const CallOptions& options = {}) const;
  Error UpdateProcess(const v1::UpdateProcessRequest& request, v1::UpdateProcessResponse* response,
                      const CallOptions& options = {}) const;
  Error RemoveProcess(const v1::RemoveProcessRequest& request, v1::RemoveProcessResponse* response,
                      const CallOptions& options = {}) const;
  Error RestartProcess(const v1::RestartProcessRequest& request,
                       v1::RestartProcessResponse* response, const CallOptions& options = {}) const;
  Error GetProcessUsage(const v1::GetProcessUsageRequest& request,
                        v1::GetProcessUsageResponse* response,
                        const CallOptions& options = {}) const;

  // SessionService.
  Error CreateSession(const v1::CreateSessionRequest& request, v1::CreateSessionResponse* response,
                      const CallOptions& options = {}) const;
  Error GetSession(const v1::GetSessionRequest& request, v1::GetSessionResponse* response,
                   const CallOptions& options = {}) const;
  Error ListSessions(const v1::ListSessionsRequest& request, v1::ListSessionsResponse* response,
                     const CallOptions& options = {}) const;
  Error RenewSession(const v1::RenewSessionRequest& request, v1::RenewSessionResponse* response,
                     const CallOptions& options = {}) const;
  Error SetSessionWatcher(const v1::SetSessionWatcherRequest& request,
                          v1::SetSessionWatcherResponse* response,
                          const CallOptions& options = {}) const;
  Error CloseSession(const v1::CloseSessionRequest& request, v1::CloseSessionResponse* response,
                     const CallOptions& options = {}) const;

  // EventService.
  Error ListEvents(const v1::ListEventsRequest& request, v1::ListEventsResponse* response,
                   const CallOptions& options = {}) const;

  // ServerService.
  Error GetServerInfo(const v1::GetServerInfoRequest& request, v1::GetServerInfoResponse* response,
                      const CallOptions& options = {}) const;
  Error GetPolicy(const v1::GetPolicyRequest& request, v1::GetPolicyResponse* response,
                  const CallOptions& options = {}) const;
  Error SetPolicy(const v1::SetPolicyRequest& request, v1::SetPolicyResponse* response,
                  const CallOptions& options = {}) const;
  Error Drain(const v1::DrainRequest& request, v1::DrainResponse* response,
              const CallOptions& options = {}) const;
  Error CreateDashboardLink(const v1::CreateDashboardLinkRequest& request,
                            v1::CreateDashboardLinkResponse* response,
                            const CallOptions& options = {}) const;

  // For whatever is not wrapped here; see stubs.h.
  const Stubs& stubs() const { return *stubs_; }

 private:
  const std::shared_ptr<const Stubs> stubs_;
};

}  // namespace proctor::client
