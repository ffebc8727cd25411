#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "proctor/policy_registry.h"
#include "proctor/v1/event_service.grpc.pb.h"
#include "proctor/v1/process_service.grpc.pb.h"
#include "proctor/v1/session_service.grpc.pb.h"
#include "server/event/event_hub.h"
#include "server/event/event_service.h"
#include "server/process/process_service.h"
#include "server/session/session_service.h"
#include "tests/core/session/session_fixture.h"
#include "tests/server/error_reason.h"
#include "tests/server/manual_loop.h"

namespace proctor::server {

// The policy `manual`: loops whose clock is the test's.
class ManualPolicy final : public DefaultEventLoopPolicy {
 public:
  using DefaultEventLoopPolicy::DefaultEventLoopPolicy;

  absl::StatusOr<std::shared_ptr<EventLoop>> NewEventLoop() override {
    auto loop = ManualLoop::Make();
    absl::MutexLock lock(&mutex());
    loops().push_back(loop);
    return loop;
  }

  // Time passes for all loops from now on.
  static void LetGo() {
    absl::MutexLock lock(&mutex());
    for (const auto& weak : std::exchange(loops(), {})) {
      if (auto loop = weak.lock()) (void)loop->CallSoonThreadsafe([loop] { loop->LetGo(); });
    }
  }

  static void Register() {
    static const absl::Status registered =
        RegisterPolicy("manual",
                       [](DefaultEventLoopPolicy::WatcherFactory watchers)
                           -> absl::StatusOr<std::shared_ptr<EventLoopPolicy>> {
                         return std::make_shared<ManualPolicy>(std::move(watchers));
                       });
    ASSERT_TRUE(registered.ok()) << registered;
  }

 private:
  static absl::Mutex& mutex() {
    static absl::Mutex& mutex = *new absl::Mutex;
    return mutex;
  }
  static std::vector<std::weak_ptr<ManualLoop>>& loops() {
    static auto& loops = *new std::vector<std::weak_ptr<ManualLoop>>;
    return loops;
  }
};

// The services over real sessions, called within the test's process: no listener, and no time
// that passes by itself.
class ServiceTest : public SessionTest {
 protected:
  void SetUp() override {
    ManualPolicy::Register();
    ASSERT_TRUE(registry_->SetPolicy("manual").ok());
    hub_ = EventHub::Start(&events_, Meter::None(), ManualLoop::Make());
    process_service_ = std::make_unique<ProcessService>(registry_.get(), hub_.get(), nullptr);
    session_service_ = std::make_unique<SessionService>(registry_.get());
    event_service_ = std::make_unique<EventService>(hub_.get(), registry_.get());
    grpc::ServerBuilder builder;
    builder.RegisterService(process_service_.get());
    builder.RegisterService(session_service_.get());
    builder.RegisterService(event_service_.get());
    server_ = builder.BuildAndStart();
    const auto channel = server_->InProcessChannel({});
    processes_ = v1::ProcessService::NewStub(channel);
    sessions_ = v1::SessionService::NewStub(channel);
    event_stub_ = v1::EventService::NewStub(channel);
  }

  void TearDown() override {
    ManualPolicy::LetGo();
    hub_->EndStreams();
    Drain();
    server_->Shutdown();
    server_->Wait();
    server_.reset();
    hub_.reset();
  }

  // One unary call.
  template <typename Stub, typename Request, typename Response>
  static grpc::Status Ask(Stub& stub,
                          grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                       Response*),
                          const Request& request, Response* response) {
    grpc::ClientContext context;
    return (stub.*method)(&context, request, response);
  }

  // A call that is answered later.
  template <typename Request, typename Response>
  struct Pending {
    grpc::ClientContext context;
    Request request;
    Response response;
    grpc::Status status;
    absl::Notification answered;

    const grpc::Status& Await() {
      answered.WaitForNotification();
      return status;
    }
  };
  template <typename Async, typename Request, typename Response>
  static void Begin(Async* async, Pending<Request, Response>& call,
                    void (Async::*method)(grpc::ClientContext*, const Request*, Response*,
                                          std::function<void(grpc::Status)>)) {
    (async->*method)(&call.context, &call.request, &call.response, [&call](grpc::Status status) {
      call.status = std::move(status);
      call.answered.Notify();
    });
  }

  // Moves the clock of a session.
  void Advance(const std::shared_ptr<SessionContext>& session, absl::Duration by) {
    Call(session, [&] {
      static_cast<ManualLoop&>(*session->loop()).Advance(by);
      return true;
    });
  }

  std::unique_ptr<EventHub> hub_;
  std::unique_ptr<ProcessService> process_service_;
  std::unique_ptr<SessionService> session_service_;
  std::unique_ptr<EventService> event_service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::ProcessService::Stub> processes_;
  std::unique_ptr<v1::SessionService::Stub> sessions_;
  std::unique_ptr<v1::EventService::Stub> event_stub_;
};

}  // namespace proctor::server
