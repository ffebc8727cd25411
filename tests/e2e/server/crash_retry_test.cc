// A client that lost an answer may repeat its call, also to the next server.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "proctor/v1/process_service.grpc.pb.h"
#include "proctor/v1/session_service.grpc.pb.h"
#include "tests/e2e/harness/error_details.h"
#include "tests/e2e/harness/server_process.h"

namespace proctor {
namespace {

// One server after the other on one state directory. The first one owns it.
class CrashRetryE2e : public testing::Test {
 protected:
  using Processes = v1::ProcessService;

  CrashRetryE2e() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // adopts the children of a killed server
    Connect(first_);
  }
  ~CrashRetryE2e() override {
    for (const pid_t pid : leftovers_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }

  void Connect(const ServerProcess& server) {
    const auto channel = server.NewChannel();
    processes_ = v1::ProcessService::NewStub(channel);
    sessions_ = v1::SessionService::NewStub(channel);
  }
  // Kills the first server and starts another one on its state directory.
  void Crash() {
    EXPECT_EQ(first_.End(SIGKILL), -SIGKILL);
    second_ = std::make_unique<ServerProcess>(
        std::vector<std::string>{"--state-dir=" + first_.state_dir()});
    Connect(*second_);
  }

  // A specification that adds a line to a file of the test, and waits.
  v1::ProcessSpec Append() const {
    v1::ProcessSpec spec;
    for (const std::string& argument : {std::string("/bin/sh"), std::string("-c"),
                                        "echo ran >> " + file() + "; echo done; exec sleep 1000"}) {
      spec.add_argv(argument);
    }
    (*spec.mutable_env())["SECRET"] = "value";
    return spec;
  }
  std::string file() const { return first_.state_dir() + "/../ran"; }
  int CountRuns() const {
    std::ifstream lines(file());
    return static_cast<int>(
        std::count(std::istreambuf_iterator<char>(lines), std::istreambuf_iterator<char>(), '\n'));
  }

  grpc::Status Start(const std::string& session_id, const std::string& request_id,
                     const v1::ProcessSpec& spec, v1::Process* process) {
    grpc::ClientContext context;
    v1::StartProcessRequest request;
    request.set_session_id(session_id);
    request.set_request_id(request_id);
    *request.mutable_spec() = spec;
    v1::StartProcessResponse response;
    const grpc::Status status = processes_->StartProcess(&context, request, &response);
    *process = response.process();
    return status;
  }
  // Starts a process, and returns when it has certainly run.
  v1::Process StartFirst(const std::string& session_id, const std::string& request_id) {
    v1::Process process;
    EXPECT_TRUE(Start(session_id, request_id, Append(), &process).ok());
    leftovers_.push_back(process.pid());
    grpc::ClientContext context;
    v1::ReadOutputRequest request;
    request.set_process_id(process.process_id());
    request.set_follow(true);
    auto stream = processes_->ReadOutput(&context, request);
    v1::ReadOutputResponse response;
    while (stream->Read(&response) && !response.message().has_output()) continue;
    context.TryCancel();
    return process;
  }

  ServerProcess first_;
  std::unique_ptr<ServerProcess> second_;
  std::unique_ptr<v1::ProcessService::Stub> processes_;
  std::unique_ptr<v1::SessionService::Stub> sessions_;
  std::vector<pid_t> leftovers_;
};

TEST_F(CrashRetryE2e, ARepeatedStartRunsNothingASecondTime) {
  const v1::Process before = StartFirst("", "r");
  Crash();
  v1::Process after;
  const grpc::Status status = Start("", "r", Append(), &after);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(after.process_id(), before.process_id());
  EXPECT_EQ(after.exit_status().unknown().reason(), "SERVER_LOST");
  EXPECT_EQ(CountRuns(), 1);

  v1::ProcessSpec other = Append();
  (*other.mutable_env())["SECRET"] = "another value";
  const ErrorDetails reused = Details(Start("", "r", other, &after));
  EXPECT_EQ(reused.reason, "REQUEST_ID_REUSED");
  EXPECT_EQ(reused.metadata.at("field"), "request_id");
}

TEST_F(CrashRetryE2e, ARepeatedRunTellsWhatIsKnownOfTheFirst) {
  const v1::Process before = StartFirst("", "r");
  Crash();
  grpc::ClientContext context;
  auto stream = processes_->RunProcess(&context);
  v1::RunProcessRequest request;
  request.mutable_start()->set_request_id("r");
  *request.mutable_start()->mutable_spec() = Append();
  request.mutable_start()->mutable_spec()->mutable_output()->set_overflow(
      v1::OVERFLOW_POLICY_DROP_OLDEST);
  stream->Write(request);
  std::vector<v1::StreamMessage> messages;
  v1::RunProcessResponse response;
  while (stream->Read(&response)) messages.push_back(response.message());
  const grpc::Status status = stream->Finish();
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_GE(messages.size(), 3u);
  EXPECT_EQ(messages.front().started().process().process_id(), before.process_id());
  EXPECT_EQ(messages[messages.size() - 2].exited().exit_status().unknown().reason(), "SERVER_LOST");
  EXPECT_EQ(messages.back().output_drained().reason(), v1::DRAIN_REASON_SERVER_LOST);
  EXPECT_EQ(CountRuns(), 1);
}

TEST_F(CrashRetryE2e, ACancelNeverSaysNeverOfWhatRan) {
  const v1::Process before = StartFirst("", "r");
  Crash();
  grpc::ClientContext context;
  v1::CancelStartRequest request;
  request.set_request_id("r");
  v1::CancelStartResponse response;
  ASSERT_TRUE(processes_->CancelStart(&context, request, &response).ok());
  EXPECT_EQ(response.process().process_id(), before.process_id());
}

TEST_F(CrashRetryE2e, ACancelledStartStaysCancelled) {
  grpc::ClientContext context;
  v1::CancelStartRequest request;
  request.set_request_id("r");
  v1::CancelStartResponse response;
  ASSERT_TRUE(processes_->CancelStart(&context, request, &response).ok());
  Crash();
  v1::Process process;
  EXPECT_EQ(Details(Start("", "r", Append(), &process)).reason, "START_CANCELLED");
  EXPECT_EQ(CountRuns(), 0);
}

TEST_F(CrashRetryE2e, ASessionIsFoundWithItsProcesses) {
  v1::CreateSessionRequest request;
  request.set_request_id("s");
  const auto create = [&] {
    grpc::ClientContext context;
    v1::CreateSessionResponse response;
    EXPECT_TRUE(sessions_->CreateSession(&context, request, &response).ok());
    return response.session();
  };
  const v1::Session session = create();
  const v1::Process before = StartFirst(session.session_id(), "r");
  Crash();
  EXPECT_EQ(create().session_id(), session.session_id());
  EXPECT_EQ(create().state(), v1::SESSION_STATE_CLOSED);
  v1::Process after;
  ASSERT_TRUE(Start(session.session_id(), "r", Append(), &after).ok());
  EXPECT_EQ(after.process_id(), before.process_id());
  EXPECT_EQ(Details(Start(session.session_id(), "new", Append(), &after)).reason, "SESSION_CLOSED");
  EXPECT_EQ(CountRuns(), 1);
}

}  // namespace
}  // namespace proctor
