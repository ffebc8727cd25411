// Input of a process, as its callers write it.

#include <string>

#include "tests/e2e/harness/e2e_test.h"

namespace proctor {
namespace {

using StdinE2e = E2eTest;

TEST_F(StdinE2e, IsBinaryCleanAndEndsOnHalfClose) {
  std::string input;
  for (int i = 0; i < 1000000; ++i) input.push_back(static_cast<char>(i * 7 + i / 256));
  v1::ProcessSpec spec = Spec("copy_stdin");
  spec.set_stdin_mode(v1::STDIO_MODE_PIPE);
  const Transcript run = RunAll(spec, input);
  EXPECT_TRUE(run.status.ok()) << run.status.error_message();
  EXPECT_EQ(run.out.size(), input.size());
  EXPECT_TRUE(run.out == input) << "bytes differ";
  EXPECT_EQ(run.exit_status.exit_code(), 0);
}

TEST_F(StdinE2e, WhoTakesStdinOverKeepsTheProcess) {
  v1::ProcessSpec spec = Spec("copy_stdin");
  spec.set_stdin_mode(v1::STDIO_MODE_PIPE);
  grpc::ClientContext context;
  auto stream = processes_->RunProcess(&context);
  v1::RunProcessRequest request;
  *request.mutable_start()->mutable_spec() = spec;
  request.mutable_start()->set_on_disconnect(v1::DISCONNECT_POLICY_KILL);
  ASSERT_TRUE(stream->Write(request));
  v1::RunProcessResponse response;
  ASSERT_TRUE(stream->Read(&response));
  const std::string id = response.message().started().process().process_id();

  // Another stream takes stdin and holds it until that stream ends.
  grpc::ClientContext other_context;
  auto other = processes_->AttachProcess(&other_context);
  v1::AttachProcessRequest attach;
  attach.mutable_attach()->set_process_id(id);
  attach.mutable_attach()->set_force_stdin(true);
  ASSERT_TRUE(other->Write(attach));
  v1::AttachProcessRequest other_data;
  other_data.mutable_input()->mutable_stdin()->set_data("of the other\n");
  ASSERT_TRUE(other->Write(other_data));
  while (stream->Read(&response) && !response.message().has_output()) {
  }
  v1::RunProcessRequest data;
  data.mutable_input()->mutable_stdin()->set_data("of the first\n");
  ASSERT_TRUE(stream->Write(data));
  while (stream->Read(&response)) {
  }
  EXPECT_EQ(Details(stream->Finish()).reason, "STDIN_BUSY");

  other_data.mutable_input()->set_close_stdin(true);
  ASSERT_TRUE(other->Write(other_data));
  const Transcript rest = ReadAll<v1::AttachProcessResponse>(*other);
  EXPECT_TRUE(rest.status.ok()) << rest.status.error_message();
  EXPECT_EQ(rest.out, "of the other\n");
  EXPECT_EQ(rest.exit_status.cause(), v1::EXIT_CAUSE_SELF);
  EXPECT_EQ(rest.exit_status.exit_code(), 0);
}

TEST_F(StdinE2e, AClosedStdinIsToldAndIsNoError) {
  v1::ProcessSpec spec = Shell("exec <&-; echo closed; exec sleep 1000");
  spec.set_stdin_mode(v1::STDIO_MODE_PIPE);
  grpc::ClientContext context;
  auto stream = processes_->RunProcess(&context);
  v1::RunProcessRequest request;
  *request.mutable_start()->mutable_spec() = spec;
  ASSERT_TRUE(stream->Write(request));
  v1::RunProcessResponse response;
  while (stream->Read(&response) && !response.message().has_output()) {
  }
  v1::RunProcessRequest data;
  data.mutable_input()->mutable_stdin()->set_data("into the void");
  ASSERT_TRUE(stream->Write(data));
  bool told = false;
  while (!told && stream->Read(&response)) told = response.message().has_stdin_closed();
  EXPECT_TRUE(told);
  context.TryCancel();
}

}  // namespace
}  // namespace proctor
