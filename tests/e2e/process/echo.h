#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "proctor/v1/process_service.grpc.pb.h"

namespace proctor {

// A process that sends its input back. It shows that it and the server work.
class Echo {
 public:
  Echo(v1::ProcessService::Stub& stub, v1::ProcessSpec spec) {
    spec.set_stdin_mode(v1::STDIO_MODE_PIPE);
    stream_ = stub.RunProcess(&context_);
    v1::RunProcessRequest request;
    *request.mutable_start()->mutable_spec() = spec;
    EXPECT_TRUE(stream_->Write(request));
    Ask("begin");
  }

  void Ask(const std::string& text) {
    v1::RunProcessRequest request;
    request.mutable_input()->mutable_stdin()->set_data(text);
    EXPECT_TRUE(stream_->Write(request));
    std::string answer;
    v1::RunProcessResponse response;
    while (answer != text && stream_->Read(&response)) answer += response.message().output().data();
    EXPECT_EQ(answer, text);
  }

  // Ends its input. Returns its exit code, or -1 when it did not exit.
  int Finish() {
    stream_->WritesDone();
    int code = -1;
    v1::RunProcessResponse response;
    while (stream_->Read(&response)) {
      if (!response.message().has_exited()) continue;
      const v1::ExitStatus& status = response.message().exited().exit_status();
      if (status.has_exit_code()) code = status.exit_code();
    }
    EXPECT_TRUE(stream_->Finish().ok());
    return code;
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::RunProcessRequest, v1::RunProcessResponse>> stream_;
};

}  // namespace proctor
