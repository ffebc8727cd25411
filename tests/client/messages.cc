#include "tests/client/messages.h"

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace proctor::testing {

v1::Process MakeProcess(const std::string& id) {
  v1::Process process;
  process.set_process_id(id);
  process.set_session_id("5e55105e55105e55105e55105e55105e");
  process.mutable_spec()->add_argv("cat");
  process.set_pid(4711);
  process.set_state(v1::PROCESS_STATE_RUNNING);
  return process;
}

v1::ExitStatus ExitCode(int code) {
  v1::ExitStatus status;
  status.set_exit_code(code);
  status.set_returncode(code);
  status.set_cause(v1::EXIT_CAUSE_SELF);
  return status;
}

v1::ExitStatus KilledBy(int signal, const std::string& name) {
  v1::ExitStatus status;
  status.set_signal(signal);
  status.set_signal_name(name);
  status.set_returncode(-signal);
  status.set_cause(v1::EXIT_CAUSE_CLIENT_SIGNAL);
  return status;
}

v1::ExitStatus UnknownEnd(const std::string& reason) {
  v1::ExitStatus status;
  status.mutable_unknown()->set_reason(reason);
  status.set_returncode(255);
  return status;
}

v1::StreamMessage Started(const std::string& id) {
  v1::StreamMessage message;
  *message.mutable_started()->mutable_process() = MakeProcess(id);
  return message;
}

namespace {

v1::StreamMessage Output(v1::Stream stream, uint64_t offset, const std::string& data) {
  v1::StreamMessage message;
  message.mutable_output()->set_stream(stream);
  message.mutable_output()->set_offset(offset);
  message.mutable_output()->set_data(data);
  return message;
}

}  // namespace

v1::StreamMessage Stdout(uint64_t offset, const std::string& data) {
  return Output(v1::STREAM_STDOUT, offset, data);
}

v1::StreamMessage Stderr(uint64_t offset, const std::string& data) {
  return Output(v1::STREAM_STDERR, offset, data);
}

v1::StreamMessage Gap(v1::Stream stream, uint64_t from, uint64_t to) {
  v1::StreamMessage message;
  message.mutable_output_gap()->set_stream(stream);
  message.mutable_output_gap()->set_from(from);
  message.mutable_output_gap()->set_to(to);
  return message;
}

v1::StreamMessage Exited(const v1::ExitStatus& status) {
  v1::StreamMessage message;
  *message.mutable_exited()->mutable_exit_status() = status;
  return message;
}

v1::StreamMessage Drained(uint64_t stdout_bytes, uint64_t stderr_bytes) {
  v1::StreamMessage message;
  v1::OutputDrained* drained = message.mutable_output_drained();
  drained->set_reason(v1::DRAIN_REASON_EOF);
  v1::StreamTotals* totals = drained->add_output();
  totals->set_stream(v1::STREAM_STDOUT);
  totals->set_total_bytes(stdout_bytes);
  totals = drained->add_output();
  totals->set_stream(v1::STREAM_STDERR);
  totals->set_total_bytes(stderr_bytes);
  return message;
}

grpc::Status Refusal(grpc::StatusCode code, const std::string& message, const std::string& reason,
                     const std::map<std::string, std::string>& metadata) {
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain("proctor");
  info.mutable_metadata()->insert(metadata.begin(), metadata.end());
  google::rpc::Status details;
  details.set_code(code);
  details.set_message(message);
  details.add_details()->PackFrom(info);
  return grpc::Status(code, message, details.SerializeAsString());
}

}  // namespace proctor::testing
