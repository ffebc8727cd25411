#include "client/cpp/client.h"

#include <grpcpp/client_context.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/time/clock.h"
#include "client/connection/channel.h"
#include "client/cpp/process_wire.h"
#include "client/cpp/stubs.h"

namespace proctor::client {
namespace {

template <typename Stub, typename Request, typename Response>
Error Call(Stub& stub,
           grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
           const Request& request, Response* response, const CallOptions& options) {
  grpc::ClientContext context;
  if (options.timeout != absl::InfiniteDuration()) {
    context.set_deadline(absl::ToChronoTime(absl::Now() + options.timeout));
  }
  return ErrorFromGrpc((stub.*method)(&context, request, response));
}

// What is older than was asked for does not come, and is not missing.
std::optional<v1::StreamOffsets> LedgerStart(const v1::OutputPosition& from) {
  if (!from.has_offsets() || from.has_since()) return std::nullopt;
  return from.offsets();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(const ConnectOptions& options) {
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = MakeChannel(options);
  if (!channel.ok()) return channel.status();
  return std::make_unique<Client>(std::make_shared<const Stubs>(*channel));
}

Client::Client(std::shared_ptr<const Stubs> stubs) : stubs_(std::move(stubs)) {}

std::unique_ptr<ProcessStream> Client::Run(const v1::RunStart& start) const {
  return std::make_unique<ProcessStream>(stubs_, MakeRunWire(stubs_, start), v1::StreamOffsets());
}

std::unique_ptr<ProcessStream> Client::Attach(const v1::AttachStart& start,
                                              const ReconnectPolicy& reconnect) const {
  auto open = [stubs = stubs_, start](const v1::OutputPosition& from, bool writes) {
    v1::AttachStart again = start;
    *again.mutable_from() = from;
    if (writes) again.set_force_stdin(true);
    return MakeAttachWire(stubs, again);
  };
  return std::make_unique<ProcessStream>(
      stubs_, MakeAttachWire(stubs_, start), LedgerStart(start.from()),
      ProcessStreamResumption{reconnect, start.from(), std::move(open)});
}

std::unique_ptr<ProcessStream> Client::ReadOutput(const v1::ReadOutputRequest& request,
                                                  const ReconnectPolicy& reconnect) const {
  auto open = [stubs = stubs_, request](const v1::OutputPosition& from, bool) {
    v1::ReadOutputRequest again = request;
    *again.mutable_from() = from;
    return MakeReadWire(stubs, again);
  };
  // The totals in the end are those of all streams; with a choice of streams nothing can be proved
  // of the others.
  return std::make_unique<ProcessStream>(
      stubs_, MakeReadWire(stubs_, request),
      request.streams().empty() ? LedgerStart(request.from()) : std::nullopt,
      ProcessStreamResumption{reconnect, request.from(), std::move(open)});
}

std::unique_ptr<EventStream> Client::WatchEvents(const v1::WatchEventsRequest& request) const {
  return std::make_unique<EventStream>(stubs_, request);
}

Error Client::StartProcess(const v1::StartProcessRequest& request,
                           v1::StartProcessResponse* response, const CallOptions& options) const {
  return Call(*stubs_->processes, &v1::ProcessService::Stub::StartProcess, request, response,
              options);
}

Error Client::WriteStdin(const v1::WriteStdinRequest& request, v1::WriteStdinResponse* response,
                         const CallOptions& options) const {
  return Call(*stubs_->processes, &v1::ProcessService::Stub::WriteStdin, request, response,
              options);
}

Error Client::ResizeTerminal(const v1::ResizeTerminalRequest& request,
                             v1::ResizeTerminalResponse* response,
                             const CallOptions& options) const {
  return Call(*stubs_->processes, &v1::ProcessService::Stub::ResizeTerminal, request, response,
              options);
}

Error Client::SignalProcess(const v1::SignalProcessRequest& request,
                            v1::SignalProcessResponse* response, const CallOptions& options) const {
  return Call(*stubs_->processes, &v1::ProcessService::Stub::SignalProcess, request, response,
              options);
}

Error Client::StopProcess(const v1::StopProcessRequest& request, v1::StopProcessResponse* response,
                          const CallOptions& options) const {
  return Call(*stubs_->processes, &v1::ProcessService::Stub::StopProcess, request, response,
              options);
}

Error Client::CancelStart(const v1::CancelStartRequest& request, v1::CancelStartResponse* response,
                          const CallOptions& options) const {
  return Call(*stubs_->processes, &v1::ProcessService::Stub::CancelStart, request, response,
              options);
}

Error Client::WaitProcess(const v1::WaitProcessRequest& request, v1::WaitProcessResponse* response,
                          const CallOptions& options) const {
  return Call(*stubs_->processes, &v1::ProcessService::Stub::WaitProcess, request, response,
              options);
}

Error Client::WaitProcess(const v1::WaitProcessRequest& request, v1::WaitProcessResponse* response,
                          Reconnector* reconnector) const {
  const absl::Duration timeout =
      absl::Seconds(request.timeout().seconds()) + absl::Nanoseconds(request.timeout().nanos());
  const absl::Time deadline = absl::Now() + timeout;
  v1::WaitProcessRequest attempt = request;
  while (true) {
    const Error error = WaitProcess(attempt, response, CallOptions());
    if (!reconnector->Await(error)) return error;
    if (!request.has_timeout()) continue;
    const absl::Duration left = std::max(deadline - absl::Now(), absl::ZeroDuration());
    attempt.mutable_timeout()->set_seconds(absl::ToInt64Seconds(left));
    attempt.mutable_timeout()->set_nanos(static_cast<int32_t>(
        absl::ToInt64Nanoseconds(left - absl::Seconds(absl::ToInt64Seconds(left)))));
  }
}

Error Client::GetProcess(const v1::GetProcessRequest& request, v1::GetProcessResponse* response,
                         const CallOptions& options) const {
  return Call(*stubs_->processes, &v1::ProcessService::Stub::GetProcess, request, response,
              options);
}

Error Client::ListProcesses(const v1::ListProcessesRequest& request,
                            v1::ListProcessesResponse* response, const CallOptions& options) const {
  return Call(*stubs_->processes, &v1::ProcessService::Stub::ListProcesses, request, response,
              options);
}

Error Client::UpdateProcess(const v1::UpdateProcessRequest& request,
                            v1::UpdateProcessResponse* response, const CallOptions& options) const {
  return Call(*stubs_->processes, &v1::ProcessService::Stub::UpdateProcess, request, response,
              options);
}

Error Client::RemoveProcess(const v1::RemoveProcessRequest& request,
                            v1::RemoveProcessResponse* response, const CallOptions& options) const {
  return Call(*stubs_->processes, &v1::ProcessService::Stub::RemoveProcess, request, response,
              options);
}

Error Client::RestartProcess(const v1::RestartProcessRequest& request,
                             v1::RestartProcessResponse* response,
                             const CallOptions& options) const {
  return Call(*stubs_->processes, &v1::ProcessService::Stub::RestartProcess, request, response,
              options);
}

Error Client::GetProcessUsage(const v1::GetProcessUsageRequest& request,
                              v1::GetProcessUsageResponse* response,
                              const CallOptions& options) const {
  return Call(*stubs_->processes, &v1::ProcessService::Stub::GetProcessUsage, request, response,
              options);
}

Error Client::CreateSession(const v1::CreateSessionRequest& request,
                            v1::CreateSessionResponse* response, const CallOptions& options) const {
  return Call(*stubs_->sessions, &v1::SessionService::Stub::CreateSession, request, response,
              options);
}

Error Client::GetSession(const v1::GetSessionRequest& request, v1::GetSessionResponse* response,
                         const CallOptions& options) const {
  return Call(*stubs_->sessions, &v1::SessionService::Stub::GetSession, request, response, options);
}

Error Client::ListSessions(const v1::ListSessionsRequest& request,
                           v1::ListSessionsResponse* response, const CallOptions& options) const {
  return Call(*stubs_->sessions, &v1::SessionService::Stub::ListSessions, request, response,
              options);
}

Error Client::RenewSession(const v1::RenewSessionRequest& request,
                           v1::RenewSessionResponse* response, const CallOptions& options) const {
  return Call(*stubs_->sessions, &v1::SessionService::Stub::RenewSession, request, response,
              options);
}

Error Client::SetSessionWatcher(const v1::SetSessionWatcherRequest& request,
                                v1::SetSessionWatcherResponse* response,
                                const CallOptions& options) const {
  return Call(*stubs_->sessions, &v1::SessionService::Stub::SetSessionWatcher, request, response,
              options);
}

Error Client::CloseSession(const v1::CloseSessionRequest& request,
                           v1::CloseSessionResponse* response, const CallOptions& options) const {
  return Call(*stubs_->sessions, &v1::SessionService::Stub::CloseSession, request, response,
              options);
}

Error Client::ListEvents(const v1::ListEventsRequest& request, v1::ListEventsResponse* response,
                         const CallOptions& options) const {
  return Call(*stubs_->events, &v1::EventService::Stub::ListEvents, request, response, options);
}

Error Client::GetServerInfo(const v1::GetServerInfoRequest& request,
                            v1::GetServerInfoResponse* response, const CallOptions& options) const {
  return Call(*stubs_->server, &v1::ServerService::Stub::GetServerInfo, request, response, options);
}

Error Client::GetPolicy(const v1::GetPolicyRequest& request, v1::GetPolicyResponse* response,
                        const CallOptions& options) const {
  return Call(*stubs_->server, &v1::ServerService::Stub::GetPolicy, request, response, options);
}

Error Client::SetPolicy(const v1::SetPolicyRequest& request, v1::SetPolicyResponse* response,
                        const CallOptions& options) const {
  return Call(*stubs_->server, &v1::ServerService::Stub::SetPolicy, request, response, options);
}

Error Client::Drain(const v1::DrainRequest& request, v1::DrainResponse* response,
                    const CallOptions& options) const {
  return Call(*stubs_->server, &v1::ServerService::Stub::Drain, request, response, options);
}

Error Client::CreateDashboardLink(const v1::CreateDashboardLinkRequest& request,
                                  v1::CreateDashboardLinkResponse* response,
                                  const CallOptions& options) const {
  return Call(*stubs_->server, &v1::ServerService::Stub::CreateDashboardLink, request, response,
              options);
}

}  // namespace proctor::client
