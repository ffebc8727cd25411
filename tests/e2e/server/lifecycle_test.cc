#include <signal.h>
#include <sys/stat.h>

#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/e2e/harness/e2e_test.h"

namespace proctor {
namespace {

using LifecycleE2e = E2eTest;
using Health = grpc::health::v1::Health;

grpc::health::v1::HealthCheckResponse::ServingStatus Check(Health::Stub& health,
                                                           const std::string& service) {
  grpc::ClientContext context;
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  grpc::health::v1::HealthCheckResponse response;
  EXPECT_TRUE(health.Check(&context, request, &response).ok()) << service;
  return response.status();
}

TEST_F(LifecycleE2e, TheSocketIsPrivate) {
  struct stat info;
  ASSERT_EQ(::stat(server_.socket().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(LifecycleE2e, SaysWhatItIs) {
  grpc::ClientContext context;
  v1::GetServerInfoResponse info;
  ASSERT_TRUE(info_->GetServerInfo(&context, {}, &info).ok());
  EXPECT_FALSE(info.version().empty());
  EXPECT_FALSE(info.instance_id().empty());
  ASSERT_GE(info.watchers_size(), 2);
  for (const auto& watcher : info.watchers()) {
    EXPECT_EQ(watcher.available(), watcher.reason().empty()) << watcher.name();
  }
  EXPECT_EQ(info.policies(0).name(), "default");
  EXPECT_FALSE(info.draining());
}

TEST_F(LifecycleE2e, HealthIsKnownForTheServerAndEachService) {
  auto health = Health::NewStub(channel_);
  for (const char* service : {"", "proctor.v1.ProcessService", "proctor.v1.SessionService",
                              "proctor.v1.EventService", "proctor.v1.ServerService"}) {
    EXPECT_EQ(Check(*health, service), grpc::health::v1::HealthCheckResponse::SERVING) << service;
  }
}

TEST_F(LifecycleE2e, DrainsStopsWhatRunsTellsTheStreamsAndEndsWithZero) {
  // The process ignores SIGTERM once it has printed that it is ready.
  grpc::ClientContext context;
  auto stream = processes_->RunProcess(&context);
  v1::RunProcessRequest request;
  *request.mutable_start()->mutable_spec() = Spec("ignore_term");
  request.mutable_start()->mutable_spec()->mutable_stop_policy()->mutable_grace()->set_seconds(
      3600);
  ASSERT_TRUE(stream->Write(request));
  v1::RunProcessResponse response;
  while (stream->Read(&response) && !response.message().has_output()) {
  }

  grpc::ClientContext watching;
  auto events = events_->WatchEvents(&watching, {});
  v1::WatchEventsResponse event;
  ASSERT_TRUE(events->Read(&event));

  ::kill(server_.pid(), SIGTERM);
  while (events->Read(&event) && !event.event().has_server_draining()) {
  }
  auto health = Health::NewStub(channel_);
  EXPECT_EQ(Check(*health, ""), grpc::health::v1::HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Check(*health, "proctor.v1.ProcessService"),
            grpc::health::v1::HealthCheckResponse::NOT_SERVING);
  grpc::ClientContext late;
  v1::StartProcessRequest start;
  *start.mutable_spec() = Spec("exit_with");
  v1::StartProcessResponse started;
  const ErrorDetails refused = Details(processes_->StartProcess(&late, start, &started));
  EXPECT_EQ(refused.code, grpc::UNAVAILABLE);
  EXPECT_EQ(refused.reason, "SERVER_DRAINING");

  // The second signal cuts the grace of one hour short.
  ::kill(server_.pid(), SIGTERM);
  const Transcript rest = ReadAll<v1::RunProcessResponse>(*stream);
  EXPECT_TRUE(rest.status.ok()) << rest.status.error_message();
  EXPECT_EQ(rest.exit_status.signal(), SIGKILL);
  EXPECT_EQ(rest.exit_status.cause(), v1::EXIT_CAUSE_SERVER_SHUTDOWN);
  EXPECT_EQ(rest.order.back(), "drained");
  bool exit_told = false;
  while (events->Read(&event)) exit_told = exit_told || event.event().has_process_exited();
  EXPECT_TRUE(exit_told);
  EXPECT_EQ(Details(events->Finish()).reason, "SERVER_DRAINING");
  EXPECT_EQ(server_.Await(), 0);
}

TEST_F(LifecycleE2e, ADrainByRpcEndsItToo) {
  grpc::ClientContext context;
  v1::DrainResponse response;
  EXPECT_TRUE(info_->Drain(&context, {}, &response).ok());
  EXPECT_EQ(server_.Await(), 0);
}

TEST_F(LifecycleE2e, AStreamOfAKilledServerEndsWithoutAnExit) {
  grpc::ClientContext context;
  auto stream = processes_->RunProcess(&context);
  v1::RunProcessRequest request;
  *request.mutable_start()->mutable_spec() = Spec("wait_forever");
  ASSERT_TRUE(stream->Write(request));
  v1::RunProcessResponse response;
  ASSERT_TRUE(stream->Read(&response));
  const pid_t pid = response.message().started().process().pid();
  EXPECT_EQ(server_.End(SIGKILL), -SIGKILL);
  const Transcript rest = ReadAll<v1::RunProcessResponse>(*stream);
  EXPECT_FALSE(rest.status.ok());
  for (const std::string& kind : rest.order) EXPECT_NE(kind, "exited");
  ::kill(pid, SIGKILL);  // its server has left it behind
}

}  // namespace
}  // namespace proctor
