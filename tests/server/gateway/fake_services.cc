#include "tests/server/gateway/fake_services.h"

#include <grpcpp/server_builder.h>

#include <chrono>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "proctor/v1/event_service.grpc.pb.h"
#include "proctor/v1/process_service.grpc.pb.h"
#include "proctor/v1/server_service.grpc.pb.h"
#include "proctor/v1/session_service.grpc.pb.h"

namespace proctor::testing {
namespace {

using Context = grpc::CallbackServerContext;

template <typename Function, typename Request, typename Response>
grpc::ServerUnaryReactor* Do(const Function& function, Context* context, const Request* request,
                             Response* response) {
  auto* reactor = context->DefaultReactor();
  reactor->Finish(function
                      ? function(*request, response)
                      : grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "the test has no answer"));
  return reactor;
}

struct FakeServer final : v1::ServerService::CallbackService {
  explicit FakeServer(FakeServices* given) : fake(given) {}
  grpc::ServerUnaryReactor* GetServerInfo(Context* context, const v1::GetServerInfoRequest* request,
                                          v1::GetServerInfoResponse* response) override {
    return Do(fake->server, context, request, response);
  }
  grpc::ServerUnaryReactor* DumpState(Context* context, const v1::DumpStateRequest* request,
                                      v1::DumpStateResponse* response) override {
    return Do(fake->state, context, request, response);
  }
  FakeServices* const fake;
};

struct FakeSessions final : v1::SessionService::CallbackService {
  explicit FakeSessions(FakeServices* given) : fake(given) {}
  grpc::ServerUnaryReactor* ListSessions(Context* context, const v1::ListSessionsRequest* request,
                                         v1::ListSessionsResponse* response) override {
    return Do(fake->sessions, context, request, response);
  }
  grpc::ServerUnaryReactor* GetSession(Context* context, const v1::GetSessionRequest* request,
                                       v1::GetSessionResponse* response) override {
    return Do(fake->session, context, request, response);
  }
  FakeServices* const fake;
};

struct FakeProcesses final : v1::ProcessService::CallbackService {
  explicit FakeProcesses(FakeServices* given) : fake(given) {}
  grpc::ServerUnaryReactor* ListProcesses(Context* context, const v1::ListProcessesRequest* request,
                                          v1::ListProcessesResponse* response) override {
    return Do(fake->processes, context, request, response);
  }
  grpc::ServerUnaryReactor* GetProcess(Context* context, const v1::GetProcessRequest* request,
                                       v1::GetProcessResponse* response) override {
    return Do(fake->process, context, request, response);
  }
  grpc::ServerUnaryReactor* StopProcess(Context* context, const v1::StopProcessRequest* request,
                                        v1::StopProcessResponse* response) override {
    return Act(fake->stop, context, request, response);
  }
  grpc::ServerUnaryReactor* SignalProcess(Context* context, const v1::SignalProcessRequest* request,
                                          v1::SignalProcessResponse* response) override {
    return Act(fake->signal, context, request, response);
  }
  grpc::ServerUnaryReactor* WriteStdin(Context* context, const v1::WriteStdinRequest* request,
                                       v1::WriteStdinResponse* response) override {
    return Act(fake->write, context, request, response);
  }
  grpc::ServerUnaryReactor* ResizeTerminal(Context* context,
                                           const v1::ResizeTerminalRequest* request,
                                           v1::ResizeTerminalResponse* response) override {
    return Act(fake->resize, context, request, response);
  }
  grpc::ServerUnaryReactor* RemoveProcess(Context* context, const v1::RemoveProcessRequest* request,
                                          v1::RemoveProcessResponse* response) override {
    return Act(fake->remove, context, request, response);
  }
  grpc::ServerUnaryReactor* RestartProcess(Context* context,
                                           const v1::RestartProcessRequest* request,
                                           v1::RestartProcessResponse* response) override {
    return Act(fake->restart, context, request, response);
  }
  grpc::ServerUnaryReactor* GetProcessUsage(Context* context,
                                            const v1::GetProcessUsageRequest* request,
                                            v1::GetProcessUsageResponse* response) override {
    return Do(fake->usage, context, request, response);
  }
  template <typename Function, typename Request, typename Response>
  grpc::ServerUnaryReactor* Act(const Function& function, Context* context, const Request* request,
                                Response* response) {
    const auto named = context->client_metadata().find("proctor-caller");
    if (fake->caller && named != context->client_metadata().end()) {
      fake->caller(std::string(named->second.data(), named->second.size()));
    }
    return Do(function, context, request, response);
  }
  grpc::ServerWriteReactor<v1::ReadOutputResponse>* ReadOutput(
      Context*, const v1::ReadOutputRequest* request) override {
    return fake->output.Add(*request);
  }
  FakeServices* const fake;
};

struct FakeEvents final : v1::EventService::CallbackService {
  explicit FakeEvents(FakeServices* given) : fake(given) {}
  grpc::ServerWriteReactor<v1::WatchEventsResponse>* WatchEvents(
      Context*, const v1::WatchEventsRequest* request) override {
    return fake->events.Add(*request);
  }
  FakeServices* const fake;
};

}  // namespace

class FakeServices::Services {
 public:
  explicit Services(FakeServices* fake)
      : server_(fake), sessions_(fake), processes_(fake), events_(fake) {}

  void RegisterWith(grpc::ServerBuilder* builder) {
    builder->RegisterService(&server_);
    builder->RegisterService(&sessions_);
    builder->RegisterService(&processes_);
    builder->RegisterService(&events_);
  }

 private:
  FakeServer server_;
  FakeSessions sessions_;
  FakeProcesses processes_;
  FakeEvents events_;
};

FakeServices::FakeServices() : services_(std::make_unique<Services>(this)) {
  grpc::ServerBuilder builder;
  services_->RegisterWith(&builder);
  grpc_ = builder.BuildAndStart();
  channel_ = grpc_->InProcessChannel({});
}

FakeServices::~FakeServices() {
  channel_.reset();
  grpc_->Shutdown(std::chrono::system_clock::now());
  grpc_->Wait();
}

grpc::Status MakeGrpcError(grpc::StatusCode code, const std::string& reason,
                           const std::string& message,
                           const std::map<std::string, std::string>& metadata) {
  google::rpc::ErrorInfo info;
  info.set_domain("proctor");
  info.set_reason(reason);
  info.mutable_metadata()->insert(metadata.begin(), metadata.end());
  google::rpc::Status details;
  details.set_code(code);
  details.set_message(message);
  details.add_details()->PackFrom(info);
  return {code, message, details.SerializeAsString()};
}

}  // namespace proctor::testing
