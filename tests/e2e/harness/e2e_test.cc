#include "tests/e2e/harness/e2e_test.h"

#include "absl/strings/str_cat.h"

namespace proctor {

v1::ProcessSpec E2eTest::Spec(const std::string& program,
                              const std::vector<std::string>& arguments) {
  v1::ProcessSpec spec;
  spec.add_argv(absl::StrCat(PROCTOR_TEST_PROGRAMS, "/", program));
  for (const std::string& argument : arguments) spec.add_argv(argument);
  return spec;
}

v1::ProcessSpec E2eTest::Shell(const std::string& script) {
  v1::ProcessSpec spec;
  for (const char* word : {"/bin/sh", "-c", script.c_str()}) spec.add_argv(word);
  return spec;
}

v1::Process E2eTest::Start(const v1::ProcessSpec& spec, const std::string& session_id) {
  grpc::ClientContext context;
  v1::StartProcessRequest request;
  request.set_session_id(session_id);
  *request.mutable_spec() = spec;
  v1::StartProcessResponse response;
  const grpc::Status status = processes_->StartProcess(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.process();
}

v1::Process E2eTest::Wait(const std::string& process_id, v1::WaitUntil until) {
  grpc::ClientContext context;
  v1::WaitProcessRequest request;
  request.set_process_id(process_id);
  request.set_until(until);
  v1::WaitProcessResponse response;
  const grpc::Status status = processes_->WaitProcess(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.process();
}

v1::Process E2eTest::AwaitReaped(const std::string& process_id) {
  Wait(process_id);
  // The server reports an exit before it reaps the child. A second call goes through the session's
  // thread and returns after the reaping.
  return Wait(process_id);
}

void E2eTest::Note(const v1::StreamMessage& message, Transcript& transcript) {
  std::string kind;
  switch (message.message_case()) {
    case v1::StreamMessage::kStarted:
      kind = "started";
      break;
    case v1::StreamMessage::kOutput: {
      const bool out = message.output().stream() == v1::STREAM_STDOUT;
      std::string& text = out ? transcript.out : transcript.err;
      kind = out ? "out" : "err";
      text += message.output().data();
      break;
    }
    case v1::StreamMessage::kOutputGap:
      kind = "gap";
      transcript.gaps.push_back(message.output_gap());
      break;
    case v1::StreamMessage::kStreamEof:
      kind = message.stream_eof().stream() == v1::STREAM_STDOUT ? "out-eof" : "err-eof";
      break;
    case v1::StreamMessage::kExited:
      kind = "exited";
      transcript.exit_status = message.exited().exit_status();
      break;
    case v1::StreamMessage::kOutputDrained:
      kind = "drained";
      transcript.drained = message.output_drained();
      break;
    case v1::StreamMessage::kStdinClosed:
      kind = "stdin-closed";
      break;
    default:
      return;  // heartbeats and acknowledgements come at any time
  }
  if (transcript.order.empty() || transcript.order.back() != kind) {
    transcript.order.push_back(kind);
  }
}

E2eTest::Transcript E2eTest::RunAll(const v1::ProcessSpec& spec, const std::string& input) {
  grpc::ClientContext context;
  auto stream = processes_->RunProcess(&context);
  v1::RunProcessRequest request;
  *request.mutable_start()->mutable_spec() = spec;
  stream->Write(request);
  for (size_t at = 0; at < input.size(); at += 65536) {
    v1::RunProcessRequest data;
    data.mutable_input()->mutable_stdin()->set_data(input.substr(at, 65536));
    if (!stream->Write(data)) break;
  }
  stream->WritesDone();
  return ReadAll<v1::RunProcessResponse>(*stream);
}

E2eTest::Transcript E2eTest::Attach(const std::string& process_id, uint64_t stdout_offset) {
  grpc::ClientContext context;
  auto stream = processes_->AttachProcess(&context);
  v1::AttachProcessRequest request;
  request.mutable_attach()->set_process_id(process_id);
  request.mutable_attach()->mutable_from()->mutable_offsets()->set_stdout_offset(stdout_offset);
  stream->Write(request);
  stream->WritesDone();
  return ReadAll<v1::AttachProcessResponse>(*stream);
}

}  // namespace proctor
