#include "proctor/client/client.h"

#include <grpcpp/client_context.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/time/clock.h"
#include "client/connection/channel.h"
#include "client/cpp/process_wire.h"
#include "core/base/return_if_error.h"
#include "proctor/client/stubs.h"

namespace proctor::client {
namespace {

// The RPC that `method` of the stub makes. The types of its request and its response follow from
// the method, so that one bound to another member does not compile.
template <typename Stub, typename Request, typename Response>
Rpc<Request, Response> Bind(const std::unique_ptr<Stub>& stub,
                            grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                         Response*)) {
  return Rpc<Request, Response>(
      [stub = stub.get(), method](const Request& request,
                                  const CallOptions& options) -> absl::StatusOr<Response> {
        grpc::ClientContext context;
        if (options.timeout != absl::InfiniteDuration()) {
          context.set_deadline(absl::ToChronoTime(absl::Now() + options.timeout));
        }
        Response response;
        RETURN_IF_ERROR(StatusFromGrpc((stub->*method)(&context, request, &response)));
        return response;
      });
}

// Output from before the wanted position does not come, and is not missing.
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

Client::Client(std::shared_ptr<const Stubs> stubs)
    : StartProcess(Bind(stubs->processes, &v1::ProcessService::Stub::StartProcess)),
      WriteStdin(Bind(stubs->processes, &v1::ProcessService::Stub::WriteStdin)),
      ResizeTerminal(Bind(stubs->processes, &v1::ProcessService::Stub::ResizeTerminal)),
      SignalProcess(Bind(stubs->processes, &v1::ProcessService::Stub::SignalProcess)),
      StopProcess(Bind(stubs->processes, &v1::ProcessService::Stub::StopProcess)),
      CancelStart(Bind(stubs->processes, &v1::ProcessService::Stub::CancelStart)),
      WaitProcess(Bind(stubs->processes, &v1::ProcessService::Stub::WaitProcess)),
      GetProcess(Bind(stubs->processes, &v1::ProcessService::Stub::GetProcess)),
      ListProcesses(Bind(stubs->processes, &v1::ProcessService::Stub::ListProcesses)),
      UpdateProcess(Bind(stubs->processes, &v1::ProcessService::Stub::UpdateProcess)),
      RemoveProcess(Bind(stubs->processes, &v1::ProcessService::Stub::RemoveProcess)),
      RestartProcess(Bind(stubs->processes, &v1::ProcessService::Stub::RestartProcess)),
      GetProcessUsage(Bind(stubs->processes, &v1::ProcessService::Stub::GetProcessUsage)),
      CreateSession(Bind(stubs->sessions, &v1::SessionService::Stub::CreateSession)),
      GetSession(Bind(stubs->sessions, &v1::SessionService::Stub::GetSession)),
      ListSessions(Bind(stubs->sessions, &v1::SessionService::Stub::ListSessions)),
      RenewSession(Bind(stubs->sessions, &v1::SessionService::Stub::RenewSession)),
      SetSessionWatcher(Bind(stubs->sessions, &v1::SessionService::Stub::SetSessionWatcher)),
      CloseSession(Bind(stubs->sessions, &v1::SessionService::Stub::CloseSession)),
      ListEvents(Bind(stubs->events, &v1::EventService::Stub::ListEvents)),
      GetServerInfo(Bind(stubs->server, &v1::ServerService::Stub::GetServerInfo)),
      GetPolicy(Bind(stubs->server, &v1::ServerService::Stub::GetPolicy)),
      SetPolicy(Bind(stubs->server, &v1::ServerService::Stub::SetPolicy)),
      Drain(Bind(stubs->server, &v1::ServerService::Stub::Drain)),
      CreateDashboardLink(Bind(stubs->server, &v1::ServerService::Stub::CreateDashboardLink)),
      DumpState(Bind(stubs->server, &v1::ServerService::Stub::DumpState)),
      stubs_(std::move(stubs)) {}

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
  // The totals in the end are of all streams; with a choice of streams nothing can be proved about
  // the others.
  return std::make_unique<ProcessStream>(
      stubs_, MakeReadWire(stubs_, request),
      request.streams().empty() ? LedgerStart(request.from()) : std::nullopt,
      ProcessStreamResumption{reconnect, request.from(), std::move(open)});
}

std::unique_ptr<EventStream> Client::WatchEvents(const v1::WatchEventsRequest& request) const {
  return std::make_unique<EventStream>(stubs_, request);
}

absl::StatusOr<v1::WaitProcessResponse> Client::WaitProcessOverLosses(
    const v1::WaitProcessRequest& request, Reconnector* reconnector) const {
  const absl::Duration timeout =
      absl::Seconds(request.timeout().seconds()) + absl::Nanoseconds(request.timeout().nanos());
  const absl::Time deadline = absl::Now() + timeout;
  v1::WaitProcessRequest attempt = request;
  while (true) {
    absl::StatusOr<v1::WaitProcessResponse> response = WaitProcess(attempt);
    if (!reconnector->Await(response.status())) return response;
    if (!request.has_timeout()) continue;
    const absl::Duration left = std::max(deadline - absl::Now(), absl::ZeroDuration());
    attempt.mutable_timeout()->set_seconds(absl::ToInt64Seconds(left));
    attempt.mutable_timeout()->set_nanos(static_cast<int32_t>(
        absl::ToInt64Nanoseconds(left - absl::Seconds(absl::ToInt64Seconds(left)))));
  }
}

}  // namespace proctor::client
