#pragma once

#include <grpcpp/server.h>
#include <grpcpp/server_context.h>

#include <functional>
#include <memory>
#include <string>

#include "proctor/v1/event_service.grpc.pb.h"
#include "proctor/v1/process_service.grpc.pb.h"
#include "proctor/v1/server_service.grpc.pb.h"
#include "proctor/v1/session_service.grpc.pb.h"

namespace proctor::testing {

// A proctor.v1 server in the test's own process, on a unix socket of its own, that does what the
// test tells it: each RPC calls a function that the test sets, and is UNIMPLEMENTED without one.
//
// The functions are called on gRPC's threads, several at once if several calls come. They are set
// before the first call. What they use outlives the server.

template <typename Request, typename Response>
using Unary = std::function<grpc::Status(const Request&, Response*)>;

using RunStream = grpc::ServerReaderWriter<v1::RunProcessResponse, v1::RunProcessRequest>;
using AttachStream = grpc::ServerReaderWriter<v1::AttachProcessResponse, v1::AttachProcessRequest>;
using OutputStream = grpc::ServerWriter<v1::ReadOutputResponse>;
using EventsStream = grpc::ServerWriter<v1::WatchEventsResponse>;

// What the fake does. A stream's context tells when the client has cancelled.
struct FakeBehaviour {
  std::function<grpc::Status(grpc::ServerContext*, RunStream*)> run;
  std::function<grpc::Status(grpc::ServerContext*, AttachStream*)> attach;
  std::function<grpc::Status(const v1::ReadOutputRequest&, OutputStream*)> read;
  std::function<grpc::Status(grpc::ServerContext*, const v1::WatchEventsRequest&, EventsStream*)>
      watch;
  Unary<v1::StartProcessRequest, v1::StartProcessResponse> start;
  Unary<v1::SignalProcessRequest, v1::SignalProcessResponse> signal;
  Unary<v1::StopProcessRequest, v1::StopProcessResponse> stop;
  Unary<v1::WriteStdinRequest, v1::WriteStdinResponse> write_stdin;
  Unary<v1::UpdateProcessRequest, v1::UpdateProcessResponse> update;
  Unary<v1::CancelStartRequest, v1::CancelStartResponse> cancel_start;
  Unary<v1::WaitProcessRequest, v1::WaitProcessResponse> wait;
  Unary<v1::GetProcessRequest, v1::GetProcessResponse> get;
  Unary<v1::ListProcessesRequest, v1::ListProcessesResponse> list;
  Unary<v1::RemoveProcessRequest, v1::RemoveProcessResponse> remove;
  Unary<v1::RestartProcessRequest, v1::RestartProcessResponse> restart;
  Unary<v1::GetProcessUsageRequest, v1::GetProcessUsageResponse> usage;
  Unary<v1::CreateSessionRequest, v1::CreateSessionResponse> create_session;
  Unary<v1::GetSessionRequest, v1::GetSessionResponse> get_session;
  Unary<v1::ListSessionsRequest, v1::ListSessionsResponse> list_sessions;
  Unary<v1::RenewSessionRequest, v1::RenewSessionResponse> renew_session;
  Unary<v1::SetSessionWatcherRequest, v1::SetSessionWatcherResponse> set_session_watcher;
  Unary<v1::CloseSessionRequest, v1::CloseSessionResponse> close_session;
  Unary<v1::GetServerInfoRequest, v1::GetServerInfoResponse> info;
  Unary<v1::CreateDashboardLinkRequest, v1::CreateDashboardLinkResponse> dashboard_link;
  Unary<v1::DumpStateRequest, v1::DumpStateResponse> dump_state;
};

class FakeServer {
 public:
  FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;
  // Cancels what still goes on.
  ~FakeServer();

  FakeBehaviour& behaviour() { return *behaviour_; }
  // For --host.
  const std::string& host() const { return host_; }
  // A directory of the test's own, removed with the server.
  const std::string& directory() const { return directory_; }

  // Ends the server, cancelling what still goes on. Restart listens again in the same place.
  void Stop();
  void Restart();

 private:
  class Services;

  std::string directory_;
  std::string host_;
  std::unique_ptr<FakeBehaviour> behaviour_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<grpc::Server> server_;
};

// Waits until the client has cancelled or is gone, then returns CANCELLED.
grpc::Status UntilCancelled(grpc::ServerContext* context);

}  // namespace proctor::testing
