#include "tests/e2e/harness/control.h"

namespace proctor {
namespace {

class RestartE2e : public ControlE2e {
 protected:
  grpc::Status Restart(const v1::RestartProcessRequest& request, v1::Process* process) {
    v1::RestartProcessResponse response;
    grpc::Status status = Call(*processes_, &Processes::RestartProcess, request, &response);
    *process = response.process();
    return status;
  }
  grpc::Status Restart(const std::string& process_id, v1::Process* process,
                       const std::string& session_id = "") {
    v1::RestartProcessRequest request;
    request.set_process_id(process_id);
    request.set_session_id(session_id);
    return Restart(request, process);
  }
  // Ends the server in order, and goes on with another one on its state directory.
  void NextServer() {
    EXPECT_EQ(server_.End(SIGTERM), 0);
    next_ = std::make_unique<ServerProcess>(
        std::vector<std::string>{"--state-dir=" + server_.state_dir()});
    channel_ = next_->NewChannel();
    processes_ = v1::ProcessService::NewStub(channel_);
    sessions_ = v1::SessionService::NewStub(channel_);
  }

  std::unique_ptr<ServerProcess> next_;
};

TEST_F(RestartE2e, StartsTheSameAgainWithItsVariablesAndLabels) {
  v1::ProcessSpec spec = Shell("echo \"$SECRET\"; exit 3");
  (*spec.mutable_env())["SECRET"] = "value";
  (*spec.mutable_labels())["app"] = "web";
  const v1::Process first = Start(spec);
  Wait(first.process_id());
  v1::Process again;
  const grpc::Status status = Restart(first.process_id(), &again);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_NE(again.process_id(), first.process_id());
  EXPECT_EQ(again.session_id(), first.session_id());
  EXPECT_EQ(again.spec().labels().at("app"), "web");
  EXPECT_EQ(Wait(again.process_id()).exit_status().exit_code(), 3);
  EXPECT_EQ(Attach(again.process_id()).out, "value\n");
  EXPECT_EQ(Attach(first.process_id()).out, "value\n") << "the old one stays";
}

TEST_F(RestartE2e, RefusesWhatRuns) {
  const v1::Process process = Start(Spec("wait_forever"));
  v1::Process again;
  const ErrorDetails refused = Details(Restart(process.process_id(), &again));
  EXPECT_EQ(refused.code, grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(refused.reason, "PROCESS_RUNNING");
  EXPECT_EQ(Details(Restart("nope", &again)).reason, "PROCESS_NOT_FOUND");
}

TEST_F(RestartE2e, StartsOnceForEachRequest) {
  const v1::Process first = Start(Spec("exit_with", {"0"}));
  Wait(first.process_id());
  v1::RestartProcessRequest request;
  request.set_process_id(first.process_id());
  request.set_request_id("once");
  v1::Process one, other;
  ASSERT_TRUE(Restart(request, &one).ok());
  ASSERT_TRUE(Restart(request, &other).ok());
  EXPECT_EQ(one.process_id(), other.process_id());
}

// It does not matter what became of the first process, or of its session, meanwhile.
TEST_F(RestartE2e, ARetryIsAnsweredWithWhatWasStarted) {
  v1::Session session;
  ASSERT_TRUE(Create({}, &session).ok());
  v1::ProcessSpec spec = Spec("wait_forever");
  spec.set_name("web");
  const v1::Process first = Start(spec, session.session_id());
  v1::SignalProcessResponse signalled;
  ASSERT_TRUE(Signal("web", "KILL", v1::SIGNAL_SCOPE_LEADER, &signalled).ok());
  Wait(first.process_id());
  v1::RestartProcessRequest request;
  request.set_process_id("web");
  request.set_request_id("once");
  v1::Process again;
  ASSERT_TRUE(Restart(request, &again).ok());
  const auto expect_again = [&](const char* when) {
    v1::Process other;
    const grpc::Status status = Restart(request, &other);
    EXPECT_TRUE(status.ok()) << when << ": " << status.error_message();
    EXPECT_EQ(other.process_id(), again.process_id()) << when;
  };
  expect_again("it has the name now, and runs");

  request.set_process_id(first.process_id());
  v1::UpdateProcessRequest update;
  update.set_process_id(first.process_id());
  (*update.mutable_labels())["changed"] = "since";
  v1::UpdateProcessResponse updated;
  ASSERT_TRUE(Call(*processes_, &Processes::UpdateProcess, update, &updated).ok());
  expect_again("the first was changed");

  const v1::Process stranger = Start(Spec("exit_with", {"0"}), session.session_id());
  Wait(stranger.process_id());
  request.set_process_id(stranger.process_id());
  v1::Process none;
  const ErrorDetails reused = Details(Restart(request, &none));
  EXPECT_EQ(reused.reason, "REQUEST_ID_REUSED");
  EXPECT_EQ(reused.metadata.at("field"), "request_id");

  request.set_process_id(first.process_id());
  CloseSession(session.session_id());
  expect_again("the session is closed");
  ASSERT_TRUE(Remove(first.process_id()).ok());
  request.set_session_id(session.session_id());
  expect_again("the first is forgotten");
}

TEST_F(RestartE2e, ARetryIsAnsweredByTheNextServer) {
  v1::ProcessSpec spec = Spec("exit_with", {"0"});
  (*spec.mutable_env())["SECRET"] = "value";
  const v1::Process first = Start(spec);
  Wait(first.process_id());
  v1::RestartProcessRequest request;
  request.set_process_id(first.process_id());
  request.set_request_id("once");
  v1::Process again;
  ASSERT_TRUE(Restart(request, &again).ok());
  Wait(again.process_id());
  NextServer();
  v1::Process other;
  const grpc::Status status = Restart(request, &other);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(other.process_id(), again.process_id());
}

TEST_F(RestartE2e, WantsAnotherSessionWhereItsOwnIsClosed) {
  v1::Session session;
  ASSERT_TRUE(Create({}, &session).ok());
  const v1::Process process = Start(Spec("exit_with", {"0"}), session.session_id());
  Wait(process.process_id());
  CloseSession(session.session_id());
  v1::Process again;
  EXPECT_EQ(Details(Restart(process.process_id(), &again)).reason, "SESSION_CLOSED");
  v1::Session other;
  ASSERT_TRUE(Create({}, &other).ok());
  ASSERT_TRUE(Restart(process.process_id(), &again, other.session_id()).ok());
  EXPECT_EQ(again.session_id(), other.session_id());
}

TEST_F(RestartE2e, DefaultSessionsAreOne) {
  const v1::Process process = Start(Spec("exit_with", {"0"}));
  Wait(process.process_id());
  CloseSession(process.session_id());
  v1::Process again;
  ASSERT_TRUE(Restart(process.process_id(), &again).ok());
  EXPECT_NE(again.session_id(), process.session_id());
}

TEST_F(RestartE2e, GoesOnOverARestartOfTheServerWithoutVariablesAlone) {
  v1::ProcessSpec spec = Spec("exit_with", {"7"});
  const v1::Process plain = Start(spec);
  (*spec.mutable_env())["SECRET"] = "value";
  const v1::Process secret = Start(spec);
  Wait(plain.process_id());
  Wait(secret.process_id());
  NextServer();
  v1::Process again;
  const grpc::Status status = Restart(plain.process_id(), &again);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(Wait(again.process_id()).exit_status().exit_code(), 7);
  const grpc::Status refused = Restart(secret.process_id(), &again);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Details(refused).reason, "SPECIFICATION_INCOMPLETE");
  EXPECT_THAT(refused.error_message(), testing::HasSubstr("SECRET"));
  // This server knows what it has started itself.
  const v1::Process own = Start(spec);
  Wait(own.process_id());
  EXPECT_TRUE(Restart(own.process_id(), &again).ok());
}

}  // namespace
}  // namespace proctor
