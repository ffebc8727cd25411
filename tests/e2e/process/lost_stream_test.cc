// What becomes of a process when the stream that runs it is lost.

#include <signal.h>

#include <string>

#include "tests/e2e/harness/e2e_test.h"

namespace proctor {
namespace {

using LostStreamE2e = E2eTest;

TEST_F(LostStreamE2e, ALostStreamKillsOrKeepsAsAsked) {
  for (const auto policy : {v1::DISCONNECT_POLICY_KILL, v1::DISCONNECT_POLICY_KEEP}) {
    std::string id;
    {
      grpc::ClientContext context;
      auto stream = processes_->RunProcess(&context);
      v1::RunProcessRequest request;
      *request.mutable_start()->mutable_spec() = Spec("copy_stdin");
      request.mutable_start()->mutable_spec()->set_stdin_mode(v1::STDIO_MODE_PIPE);
      request.mutable_start()->set_on_disconnect(policy);
      ASSERT_TRUE(stream->Write(request));
      v1::RunProcessResponse response;
      ASSERT_TRUE(stream->Read(&response));
      id = response.message().started().process().process_id();
      context.TryCancel();
      EXPECT_EQ(stream->Finish().error_code(), grpc::CANCELLED);
    }
    if (policy == v1::DISCONNECT_POLICY_KILL) {
      const v1::Process killed = Wait(id);
      EXPECT_EQ(killed.exit_status().signal(), SIGKILL);
      EXPECT_EQ(killed.exit_status().cause(), v1::EXIT_CAUSE_DISCONNECTED);
      continue;
    }
    // The process lives, its stdin is still open, and another call can write to it.
    grpc::ClientContext context;
    v1::WriteStdinRequest write;
    write.set_process_id(id);
    write.set_data("still here");
    write.set_eof(true);
    v1::WriteStdinResponse written;
    const grpc::Status status = processes_->WriteStdin(&context, write, &written);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(written.stdin_bytes(), 10u);
    EXPECT_EQ(Wait(id).exit_status().exit_code(), 0);
    EXPECT_EQ(Attach(id).out, "still here");
  }
}

TEST_F(LostStreamE2e, ALostTerminalIsAHangUp) {
  grpc::ClientContext context;
  auto stream = processes_->RunProcess(&context);
  v1::RunProcessRequest request;
  *request.mutable_start()->mutable_spec() =
      Shell("trap 'exit 7' HUP; echo ready; while :; do sleep 0.1; done");
  request.mutable_start()->mutable_spec()->mutable_pty();
  request.mutable_start()->mutable_spec()->mutable_stop_policy()->mutable_grace()->set_seconds(
      3600);
  ASSERT_TRUE(stream->Write(request));
  v1::RunProcessResponse response;
  ASSERT_TRUE(stream->Read(&response));
  const std::string id = response.message().started().process().process_id();
  while (!response.message().has_output()) ASSERT_TRUE(stream->Read(&response));
  context.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::CANCELLED);
  const v1::Process ended = Wait(id);
  EXPECT_EQ(ended.exit_status().exit_code(), 7);
  EXPECT_EQ(ended.exit_status().cause(), v1::EXIT_CAUSE_DISCONNECTED);
}

TEST_F(LostStreamE2e, AnUnknownDisconnectPolicyIsRefused) {
  grpc::ClientContext context;
  auto stream = processes_->RunProcess(&context);
  v1::RunProcessRequest request;
  *request.mutable_start()->mutable_spec() = Spec("exit_with", {"0"});
  request.mutable_start()->set_on_disconnect(static_cast<v1::DisconnectPolicy>(77));
  ASSERT_TRUE(stream->Write(request));
  v1::RunProcessResponse response;
  EXPECT_FALSE(stream->Read(&response));
  const auto details = Details(stream->Finish());
  EXPECT_EQ(details.code, grpc::INVALID_ARGUMENT);
  EXPECT_EQ(details.metadata.at("field"), "start.on_disconnect");
}

}  // namespace
}  // namespace proctor
