#pragma once

#include <grpcpp/server.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "proctor/v1/event_service.pb.h"
#include "proctor/v1/process_service.pb.h"
#include "proctor/v1/server_service.pb.h"
#include "proctor/v1/session_service.pb.h"
#include "tests/server/gateway/fake_stream.h"

namespace proctor::testing {

// The services of proctor.v1 that the gateway calls, in this process and without a socket.
// A unary method does what the test sets before its first call, and is UNIMPLEMENTED
// without; a stream is handed to the test.
//
// Thread-safety: the functions are called on gRPC's threads.
// Lifetime: what the functions use outlives it.
class FakeServices {
 public:
  template <typename Request, typename Response>
  using Unary = std::function<grpc::Status(const Request&, Response*)>;

  Unary<v1::GetServerInfoRequest, v1::GetServerInfoResponse> server;
  Unary<v1::DumpStateRequest, v1::DumpStateResponse> state;
  Unary<v1::ListSessionsRequest, v1::ListSessionsResponse> sessions;
  Unary<v1::GetSessionRequest, v1::GetSessionResponse> session;
  Unary<v1::ListProcessesRequest, v1::ListProcessesResponse> processes;
  Unary<v1::GetProcessRequest, v1::GetProcessResponse> process;
  Unary<v1::StopProcessRequest, v1::StopProcessResponse> stop;
  Unary<v1::SignalProcessRequest, v1::SignalProcessResponse> signal;
  Unary<v1::WriteStdinRequest, v1::WriteStdinResponse> write;
  Unary<v1::ResizeTerminalRequest, v1::ResizeTerminalResponse> resize;
  Unary<v1::RemoveProcessRequest, v1::RemoveProcessResponse> remove;
  Unary<v1::RestartProcessRequest, v1::RestartProcessResponse> restart;
  Unary<v1::GetProcessUsageRequest, v1::GetProcessUsageResponse> usage;
  // Told the metadata "proctor-caller" of those that act.
  std::function<void(const std::string&)> caller;
  FakeStreams<v1::WatchEventsRequest, v1::WatchEventsResponse> events;
  FakeStreams<v1::ReadOutputRequest, v1::ReadOutputResponse> output;

  FakeServices();
  // Cancels what still goes on.
  ~FakeServices();
  FakeServices(const FakeServices&) = delete;
  FakeServices& operator=(const FakeServices&) = delete;

  std::shared_ptr<grpc::Channel> channel() const { return channel_; }

 private:
  class Services;

  const std::unique_ptr<Services> services_;
  std::unique_ptr<grpc::Server> grpc_;
  std::shared_ptr<grpc::Channel> channel_;
};

// A status as the server makes it, with its ErrorInfo.
grpc::Status MakeGrpcError(grpc::StatusCode code, const std::string& reason,
                           const std::string& message,
                           const std::map<std::string, std::string>& metadata = {});

}  // namespace proctor::testing
