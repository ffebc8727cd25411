#include "tests/client/fake_server.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace proctor::testing {
namespace {

template <typename Function, typename... Arguments>
grpc::Status Do(const Function& function, Arguments&&... arguments) {
  if (!function) return grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "the test has no answer");
  return function(std::forward<Arguments>(arguments)...);
}

}  // namespace

// One class a service, because method names are looked up in each.
class FakeServer::Services {
 public:
  explicit Services(FakeBehaviour* b) : processes_(b), sessions_(b), events_(b), server_(b) {}

  void RegisterWith(grpc::ServerBuilder* builder) {
    builder->RegisterService(&processes_);
    builder->RegisterService(&sessions_);
    builder->RegisterService(&events_);
    builder->RegisterService(&server_);
  }

 private:
  using Context = grpc::ServerContext*;

  struct Processes final : v1::ProcessService::Service {
    explicit Processes(FakeBehaviour* behaviour) : b(behaviour) {}
    grpc::Status RunProcess(Context c, RunStream* stream) override { return Do(b->run, c, stream); }
    grpc::Status AttachProcess(Context c, AttachStream* stream) override {
      return Do(b->attach, c, stream);
    }
    grpc::Status ReadOutput(Context, const v1::ReadOutputRequest* q, OutputStream* s) override {
      return Do(b->read, *q, s);
    }
    grpc::Status StartProcess(Context, const v1::StartProcessRequest* q,
                              v1::StartProcessResponse* a) override {
      return Do(b->start, *q, a);
    }
    grpc::Status SignalProcess(Context, const v1::SignalProcessRequest* q,
                               v1::SignalProcessResponse* a) override {
      return Do(b->signal, *q, a);
    }
    grpc::Status StopProcess(Context, const v1::StopProcessRequest* q,
                             v1::StopProcessResponse* a) override {
      return Do(b->stop, *q, a);
    }
    grpc::Status WriteStdin(Context, const v1::WriteStdinRequest* q,
                            v1::WriteStdinResponse* a) override {
      return Do(b->write_stdin, *q, a);
    }
    grpc::Status UpdateProcess(Context, const v1::UpdateProcessRequest* q,
                               v1::UpdateProcessResponse* a) override {
      return Do(b->update, *q, a);
    }
    grpc::Status CancelStart(Context, const v1::CancelStartRequest* q,
                             v1::CancelStartResponse* a) override {
      return Do(b->cancel_start, *q, a);
    }
    grpc::Status WaitProcess(Context, const v1::WaitProcessRequest* q,
                             v1::WaitProcessResponse* a) override {
      return Do(b->wait, *q, a);
    }
    grpc::Status GetProcess(Context, const v1::GetProcessRequest* q,
                            v1::GetProcessResponse* a) override {
      return Do(b->get, *q, a);
    }
    grpc::Status ListProcesses(Context, const v1::ListProcessesRequest* q,
                               v1::ListProcessesResponse* a) override {
      return Do(b->list, *q, a);
    }
    grpc::Status RemoveProcess(Context, const v1::RemoveProcessRequest* q,
                               v1::RemoveProcessResponse* a) override {
      return Do(b->remove, *q, a);
    }
    grpc::Status RestartProcess(Context, const v1::RestartProcessRequest* q,
                                v1::RestartProcessResponse* a) override {
      return Do(b->restart, *q, a);
    }
    grpc::Status GetProcessUsage(Context, const v1::GetProcessUsageRequest* q,
                                 v1::GetProcessUsageResponse* a) override {
      return Do(b->usage, *q, a);
    }
    FakeBehaviour* const b;
  };

  struct Sessions final : v1::SessionService::Service {
    explicit Sessions(FakeBehaviour* behaviour) : b(behaviour) {}
    grpc::Status CreateSession(Context, const v1::CreateSessionRequest* q,
                               v1::CreateSessionResponse* a) override {
      return Do(b->create_session, *q, a);
    }
    grpc::Status GetSession(Context, const v1::GetSessionRequest* q,
                            v1::GetSessionResponse* a) override {
      return Do(b->get_session, *q, a);
    }
    grpc::Status ListSessions(Context, const v1::ListSessionsRequest* q,
                              v1::ListSessionsResponse* a) override {
      return Do(b->list_sessions, *q, a);
    }
    grpc::Status RenewSession(Context, const v1::RenewSessionRequest* q,
                              v1::RenewSessionResponse* a) override {
      return Do(b->renew_session, *q, a);
    }
    grpc::Status SetSessionWatcher(Context, const v1::SetSessionWatcherRequest* q,
                                   v1::SetSessionWatcherResponse* a) override {
      return Do(b->set_session_watcher, *q, a);
    }
    grpc::Status CloseSession(Context, const v1::CloseSessionRequest* q,
                              v1::CloseSessionResponse* a) override {
      return Do(b->close_session, *q, a);
    }
    FakeBehaviour* const b;
  };

  struct Events final : v1::EventService::Service {
    explicit Events(FakeBehaviour* behaviour) : b(behaviour) {}
    grpc::Status WatchEvents(Context c, const v1::WatchEventsRequest* q, EventsStream* s) override {
      return Do(b->watch, c, *q, s);
    }
    FakeBehaviour* const b;
  };

  struct Server final : v1::ServerService::Service {
    explicit Server(FakeBehaviour* behaviour) : b(behaviour) {}
    grpc::Status GetServerInfo(Context, const v1::GetServerInfoRequest* q,
                               v1::GetServerInfoResponse* a) override {
      return Do(b->info, *q, a);
    }
    grpc::Status CreateDashboardLink(Context, const v1::CreateDashboardLinkRequest* q,
                                     v1::CreateDashboardLinkResponse* a) override {
      return Do(b->dashboard_link, *q, a);
    }
    grpc::Status DumpState(Context, const v1::DumpStateRequest* q,
                           v1::DumpStateResponse* a) override {
      return Do(b->dump_state, *q, a);
    }
    FakeBehaviour* const b;
  };

  Processes processes_;
  Sessions sessions_;
  Events events_;
  Server server_;
};

FakeServer::FakeServer() : behaviour_(std::make_unique<FakeBehaviour>()) {
  std::string pattern = (std::filesystem::temp_directory_path() / "proctor-fake-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) std::abort();
  directory_ = pattern;
  host_ = "unix:" + directory_ + "/socket";
  behaviour_->get = [](const v1::GetProcessRequest& request, v1::GetProcessResponse* response) {
    response->mutable_process()->set_process_id(request.process_id());
    return grpc::Status::OK;
  };
  Restart();
}

FakeServer::~FakeServer() {
  Stop();
  std::filesystem::remove_all(directory_);
}

void FakeServer::Stop() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
  services_.reset();
}

void FakeServer::Restart() {
  services_ = std::make_unique<Services>(behaviour_.get());
  grpc::ServerBuilder builder;
  builder.AddListeningPort(host_, grpc::InsecureServerCredentials());
  services_->RegisterWith(&builder);
  // Threads that look for calls notice a shutdown after this; the default of 10 s is a long wait.
  builder.SetSyncServerOption(grpc::ServerBuilder::CQ_TIMEOUT_MSEC, 100);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) std::abort();
}

grpc::Status UntilCancelled(grpc::ServerContext* context) {
  // The synchronous API has no event for this.
  while (!context->IsCancelled()) std::this_thread::yield();
  return grpc::Status::CANCELLED;
}

}  // namespace proctor::testing
