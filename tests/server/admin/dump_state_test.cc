#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/admin/server_service.h"
#include "tests/server/service_fixture.h"

namespace proctor::server {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class DumpStateTest : public ServiceTest {
 protected:
  void SetUp() override {
    ServiceTest::SetUp();
    service_ = std::make_unique<ServerService>(
        registry_.get(), &events_,
        ServerService::Facts{
            .trees = std::make_shared<ProcessTrees>(absl::FailedPreconditionError("none")),
            .logins = &logins_});
    grpc::ServerBuilder builder;
    builder.RegisterService(service_.get());
    admin_ = builder.BuildAndStart();
    stub_ = v1::ServerService::NewStub(admin_->InProcessChannel({}));
  }

  void TearDown() override {
    ServiceTest::TearDown();
    admin_->Shutdown();
    admin_->Wait();
  }

  grpc::Status Dump(const std::string& session_id, v1::DumpStateResponse* response) {
    v1::DumpStateRequest request;
    request.set_session_id(session_id);
    return Ask(*stub_, &v1::ServerService::Stub::DumpState, request, response);
  }

  // The section of one session.
  v1::StateSection DumpAtOnce(const std::string& session_id) {
    v1::DumpStateResponse response;
    EXPECT_TRUE(Dump(session_id, &response).ok());
    EXPECT_EQ(response.sections_size(), 1);
    return response.sections_size() == 1 ? response.sections(0) : v1::StateSection();
  }

  // The same of a session that gets on: a busy machine may take more than a second to answer.
  v1::StateSection DumpSession(const std::string& session_id) {
    v1::StateSection section = DumpAtOnce(session_id);
    while (section.silent()) section = DumpAtOnce(session_id);
    return section;
  }

  http::Logins logins_;
  std::unique_ptr<ServerService> service_;
  std::unique_ptr<grpc::Server> admin_;
  std::unique_ptr<v1::ServerService::Stub> stub_;
};

TEST_F(DumpStateTest, ShowsASessionWithItsLoopWatcherAndProcesses) {
  const auto session = Open();
  Command command = MakeCommand("wait_forever", "\x1b[2Jone");
  command.name = "daemon";
  command.env["PASSWORD"] = "hunter2";
  const auto runs = Start(session, command);
  ASSERT_TRUE(runs.ok()) << runs.status();
  const auto ended = Start(session, MakeCommand("exit_with", "0"));
  ASSERT_TRUE(ended.ok()) << ended.status();
  AwaitExit(ended->id);

  const v1::StateSection section = DumpSession(session->id());
  EXPECT_EQ(section.name(), "session " + session->id());
  EXPECT_THAT(section.text(), HasSubstr("open; opened "));
  EXPECT_THAT(section.text(), HasSubstr("selector event loop: running"));
  EXPECT_THAT(section.text(), ContainsRegex("watcher pidfd: 1 children: [0-9]+"));
  EXPECT_THAT(section.text(), HasSubstr("processes: 1 of 2 have not come to their end"));
  EXPECT_THAT(section.text(),
              AllOf(HasSubstr("process " + runs->id + ": running"), HasSubstr("name: daemon"),
                    HasSubstr("pid: " + std::to_string(runs->pid)), HasSubstr("\\x1b[2Jone")));
  EXPECT_THAT(section.text(), Not(HasSubstr("hunter2")));
  EXPECT_THAT(section.text(), Not(HasSubstr("\x1b")));
}

TEST_F(DumpStateTest, ShowsTheCallsThatUseASession) {
  const auto session = Open();
  const auto runs = Start(session, MakeCommand("wait_forever"));
  ASSERT_TRUE(runs.ok()) << runs.status();
  Pending<v1::WaitProcessRequest, v1::WaitProcessResponse> wait;
  wait.request.set_process_id(runs->id);
  wait.request.set_until(v1::WAIT_UNTIL_DRAINED);
  using Async = v1::ProcessService::StubInterface::async_interface;
  Begin<Async>(processes_->async(), wait, &Async::WaitProcess);
  grpc::ClientContext context;
  v1::ReadOutputRequest read;
  read.set_process_id(runs->id);
  read.set_follow(true);
  const auto stream = processes_->ReadOutput(&context, read);
  v1::ReadOutputResponse response;
  ASSERT_TRUE(stream->Read(&response));  // it has begun

  std::string text = DumpSession(session->id()).text();
  while (text.find("WaitProcess") == std::string::npos ||
         text.find(", 0 bytes behind") == std::string::npos) {
    text = DumpSession(session->id()).text();
  }
  EXPECT_THAT(text, HasSubstr("users: 2\n"));
  EXPECT_THAT(text,
              ContainsRegex("WaitProcess by [^\n]*: process " + runs->id + ", until drained"));
  EXPECT_THAT(text,
              ContainsRegex("ReadOutput by [^\n]*: process " + runs->id + ", 0 bytes behind"));

  context.TryCancel();
  while (stream->Read(&response)) {
  }
  (void)stream->Finish();
  Call(session, [] { return true; });
  while (text.find("ReadOutput") != std::string::npos) text = DumpSession(session->id()).text();
  EXPECT_THAT(text, HasSubstr("users: 1\n"));
  Close(session->id());
  EXPECT_TRUE(wait.Await().ok());
}

TEST_F(DumpStateTest, NamesASessionWithAThreadThatIsStuck) {
  SessionOptions options;
  options.policy = "default";  // whose loop measures its turns
  const auto session = Open(options);
  absl::Notification stuck, leave;
  ASSERT_TRUE(session
                  ->Post([&] {
                    stuck.Notify();
                    leave.WaitForNotification();
                  })
                  .ok());
  stuck.WaitForNotification();
  const v1::StateSection section = DumpAtOnce(session->id());
  leave.Notify();
  Call(session, [] { return true; });  // it waits for `leave` no more
  EXPECT_TRUE(section.silent());
  EXPECT_THAT(section.text(), ContainsRegex("^does not answer: its turn has lasted [0-9]"));
  EXPECT_THAT(section.text(), HasSubstr("open; opened "));
  EXPECT_THAT(section.text(), HasSubstr("processes: 0 run, 0 have ended"));
}

TEST_F(DumpStateTest, ShowsTheServerBeforeItsSessions) {
  const auto session = Open();
  v1::DumpStateResponse response;
  ASSERT_TRUE(Dump("", &response).ok());
  ASSERT_EQ(response.sections_size(), 3);
  EXPECT_THAT(response.sections(0).text(), HasSubstr("pid: " + std::to_string(::getpid())));
  EXPECT_THAT(response.sections(1).text(),
              AllOf(HasSubstr("sessions: 1 live of 1000"), HasSubstr("process table: 0 running"),
                    HasSubstr("memory: "), HasSubstr("event log " + events_.log_id())));
  EXPECT_EQ(response.sections(2).name(), "session " + session->id());
}

TEST_F(DumpStateTest, KnowsClosedSessionsAndNoOthers) {
  v1::DumpStateResponse response;
  const grpc::Status status = Dump("none", &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonIn(status), "SESSION_NOT_FOUND");
  const auto session = Open();
  Close(session->id());
  while (!session->ended()) std::this_thread::yield();
  EXPECT_THAT(DumpSession(session->id()).text(), HasSubstr("closed; opened "));
}

}  // namespace
}  // namespace proctor::server
