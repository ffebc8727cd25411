#pragma once

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "proctor/v1/event_service.grpc.pb.h"
#include "proctor/v1/process_service.grpc.pb.h"
#include "proctor/v1/server_service.grpc.pb.h"
#include "proctor/v1/session_service.grpc.pb.h"
#include "tests/e2e/harness/error_details.h"
#include "tests/e2e/harness/server_process.h"

namespace proctor {

// The base of tests of one server: the server and stubs for it.
class E2eTest : public testing::Test {
 protected:
  explicit E2eTest(const std::vector<std::string>& flags = {},
                   const ServerProcess::Place& place = {})
      : server_(flags, place) {}

  using RunStream = grpc::ClientReaderWriter<v1::RunProcessRequest, v1::RunProcessResponse>;

  // A specification of a program of tests/programs.
  static v1::ProcessSpec Spec(const std::string& program,
                              const std::vector<std::string>& arguments = {});
  static v1::ProcessSpec Shell(const std::string& script);

  v1::Process Start(const v1::ProcessSpec& spec, const std::string& session_id = "");
  v1::Process Wait(const std::string& process_id, v1::WaitUntil until = v1::WAIT_UNTIL_DRAINED);
  // As Wait, but returns only when the server has released the process's pid and pidfd, too.
  v1::Process AwaitReaped(const std::string& process_id);

  // All messages of one stream.
  struct Transcript {
    std::string out;
    std::string err;
    std::vector<std::string> order;  // the kinds of messages, without repeats
    v1::ExitStatus exit_status;
    v1::OutputDrained drained;
    std::vector<v1::OutputGap> gaps;
    grpc::Status status;
  };
  static void Note(const v1::StreamMessage& message, Transcript& transcript);
  // Reads a stream to its end and finishes it.
  template <typename Response, typename Stream>
  static Transcript ReadAll(Stream& stream) {
    Transcript transcript;
    Response response;
    while (stream.Read(&response)) Note(response.message(), transcript);
    transcript.status = stream.Finish();
    return transcript;
  }
  Transcript RunAll(const v1::ProcessSpec& spec, const std::string& input = "");
  Transcript Attach(const std::string& process_id, uint64_t stdout_offset = 0);

  // Starts `each` short processes in each of these sessions, in turn. One client has `outstanding`
  // calls of StartProcess under way at once. Expects one event for each exit, with the right code
  // and in increasing sequence. Afterwards the server has no child and no descriptor left.
  void ExpectEachExitOnce(const std::vector<std::string>& session_ids, int each, int outstanding);

  ServerProcess server_;
  std::shared_ptr<grpc::Channel> channel_ = server_.NewChannel();
  std::unique_ptr<v1::ProcessService::Stub> processes_ = v1::ProcessService::NewStub(channel_);
  std::unique_ptr<v1::SessionService::Stub> sessions_ = v1::SessionService::NewStub(channel_);
  std::unique_ptr<v1::EventService::Stub> events_ = v1::EventService::NewStub(channel_);
  std::unique_ptr<v1::ServerService::Stub> info_ = v1::ServerService::NewStub(channel_);
};

}  // namespace proctor
