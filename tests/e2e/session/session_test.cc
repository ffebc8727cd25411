#include <signal.h>

#include <chrono>
#include <future>

#include "tests/e2e/harness/e2e_test.h"

namespace proctor {
namespace {

class SessionE2e : public E2eTest {
 protected:
  grpc::Status Create(const v1::CreateSessionRequest& request, v1::Session* session) {
    grpc::ClientContext context;
    v1::CreateSessionResponse response;
    const grpc::Status status = sessions_->CreateSession(&context, request, &response);
    *session = response.session();
    return status;
  }
};

TEST_F(SessionE2e, OpensListsAndClosesWithTheWatcherThatWasAskedFor) {
  for (const char* watcher : {"pidfd", "threaded"}) {
    v1::CreateSessionRequest request;
    request.set_watcher(watcher);
    v1::Session session;
    const grpc::Status created = Create(request, &session);
    if (Details(created).reason == "WATCHER_UNAVAILABLE") {
      GTEST_LOG_(INFO) << created.error_message();
      continue;
    }
    ASSERT_TRUE(created.ok()) << created.error_message();
    EXPECT_EQ(session.watcher(), watcher);
    EXPECT_EQ(session.policy(), "default");
    EXPECT_EQ(session.loop(), "selector");
    const v1::Process ended = Start(Spec("exit_with", {"6"}), session.session_id());
    EXPECT_EQ(Wait(ended.process_id()).exit_status().watcher(), watcher);
    const v1::Process running = Start(Spec("wait_forever"), session.session_id());

    grpc::ClientContext context;
    v1::CloseSessionRequest close;
    close.set_session_id(session.session_id());
    v1::CloseSessionResponse closed;
    ASSERT_TRUE(sessions_->CloseSession(&context, close, &closed).ok());
    EXPECT_EQ(closed.session().state(), v1::SESSION_STATE_CLOSED);
    // conformance 103
    EXPECT_EQ(Wait(ended.process_id()).exit_status().exit_code(), 6);
    const v1::Process killed = Wait(running.process_id());
    EXPECT_EQ(killed.exit_status().signal(), SIGKILL);
    EXPECT_EQ(killed.exit_status().cause(), v1::EXIT_CAUSE_SESSION_CLOSED);
    const Transcript past = Attach(running.process_id());
    EXPECT_TRUE(past.status.ok()) << past.status.error_message();
    EXPECT_EQ(past.exit_status.signal(), SIGKILL);

    grpc::ClientContext start_context;
    v1::StartProcessRequest start;
    start.set_session_id(session.session_id());
    *start.mutable_spec() = Spec("exit_with");
    v1::StartProcessResponse started;
    EXPECT_EQ(Details(processes_->StartProcess(&start_context, start, &started)).reason,
              "SESSION_CLOSED");
  }
}

// A read of output may meet the end of its session at any point.
TEST_F(SessionE2e, ReadingOutputEndsWhereverItMeetsTheClose) {
  for (int round = 0; round < 100; ++round) {
    v1::Session session;
    ASSERT_TRUE(Create({}, &session).ok());
    const v1::Process process = Start(Spec("exit_with", {"0"}), session.session_id());
    Wait(process.process_id());

    struct Closing {
      grpc::ClientContext start_context, close_context;
      v1::StartProcessRequest start;
      v1::StartProcessResponse started;
      v1::CloseSessionRequest close;
      v1::CloseSessionResponse closed;
      std::promise<grpc::Status> start_status, close_status;
    } closing;
    // This call keeps the session's thread busy while the other two arrive.
    closing.start.set_session_id(session.session_id());
    *closing.start.mutable_spec() = Spec("no_such_program");
    closing.close.set_session_id(session.session_id());
    processes_->async()->StartProcess(
        &closing.start_context, &closing.start, &closing.started,
        [&](grpc::Status status) { closing.start_status.set_value(std::move(status)); });
    sessions_->async()->CloseSession(
        &closing.close_context, &closing.close, &closing.closed,
        [&](grpc::Status status) { closing.close_status.set_value(std::move(status)); });
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
    v1::ReadOutputRequest request;
    request.set_process_id(process.process_id());
    auto stream = processes_->ReadOutput(&context, request);
    const Transcript read = ReadAll<v1::ReadOutputResponse>(*stream);
    EXPECT_NE(closing.start_status.get_future().get().error_code(), grpc::StatusCode::OK);
    EXPECT_TRUE(closing.close_status.get_future().get().ok());
    // The answer comes from the session, or from the kept output when the session is closed.
    ASSERT_TRUE(read.status.ok()) << read.status.error_message();
    EXPECT_EQ(read.order.back(), "drained");
  }
}

TEST_F(SessionE2e, ProcessesOutliveTheConnectionThatStartedThem) {
  const v1::Process process = Start(Spec("wait_forever"));
  channel_.reset();
  processes_ = v1::ProcessService::NewStub(server_.NewChannel());
  grpc::ClientContext context;
  v1::GetProcessRequest request;
  request.set_process_id(process.process_id());
  v1::GetProcessResponse response;
  ASSERT_TRUE(processes_->GetProcess(&context, request, &response).ok());
  EXPECT_EQ(response.process().state(), v1::PROCESS_STATE_RUNNING);
  EXPECT_EQ(response.process().pid(), process.pid());
}

TEST_F(SessionE2e, RefusesWhatItDoesNotKnow) {
  v1::Session session;
  v1::CreateSessionRequest request;
  request.set_watcher("nope");
  EXPECT_EQ(Details(Create(request, &session)).metadata["field"], "watcher");
  request.clear_watcher();
  request.set_policy("nope");
  EXPECT_EQ(Details(Create(request, &session)).metadata["field"], "policy");
  request.clear_policy();
  (*request.mutable_labels())[""] = "x";
  EXPECT_EQ(Details(Create(request, &session)).metadata["field"], "labels");
  v1::CloseSessionRequest close;
  v1::CloseSessionResponse closed;
  grpc::ClientContext first;
  EXPECT_EQ(Details(sessions_->CloseSession(&first, close, &closed)).metadata["field"],
            "session_id");
  close.set_session_id("nope");
  grpc::ClientContext second;
  EXPECT_EQ(Details(sessions_->CloseSession(&second, close, &closed)).reason, "SESSION_NOT_FOUND");
}

TEST_F(SessionE2e, ClosingWhileAReaderStandsStillDoesNotHang) {
  v1::Session session;
  ASSERT_TRUE(Create({}, &session).ok());
  grpc::ClientContext context;
  auto stream = processes_->RunProcess(&context);
  v1::RunProcessRequest request;
  request.mutable_start()->set_session_id(session.session_id());
  *request.mutable_start()->mutable_spec() = Shell("exec cat /dev/zero");
  ASSERT_TRUE(stream->Write(request));
  v1::RunProcessResponse response;
  ASSERT_TRUE(stream->Read(&response));
  grpc::ClientContext closing;
  v1::CloseSessionRequest close;
  close.set_session_id(session.session_id());
  v1::CloseSessionResponse closed;
  ASSERT_TRUE(sessions_->CloseSession(&closing, close, &closed).ok());
  const Transcript rest = ReadAll<v1::RunProcessResponse>(*stream);
  EXPECT_TRUE(rest.status.ok()) << rest.status.error_message();
  EXPECT_EQ(rest.exit_status.signal(), SIGKILL);
  EXPECT_EQ(rest.order.back(), "drained");
}

}  // namespace
}  // namespace proctor
