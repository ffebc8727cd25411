#pragma once

#include <grpcpp/support/status.h>

#include <cstdint>
#include <map>
#include <string>

#include "proctor/v1/process_service.grpc.pb.h"

namespace proctor::testing {

// Short ways to write down what a server says.
//
// Pure functions.

inline constexpr char kProcessId[] = "0123456789abcdef0123456789abcdef";

v1::Process MakeProcess(const std::string& id = kProcessId);
v1::ExitStatus ExitCode(int code);
v1::ExitStatus KilledBy(int signal, const std::string& name);
v1::ExitStatus UnknownEnd(const std::string& reason);

v1::StreamMessage Started(const std::string& id = kProcessId);
v1::StreamMessage Stdout(uint64_t offset, const std::string& data);
v1::StreamMessage Stderr(uint64_t offset, const std::string& data);
v1::StreamMessage Gap(v1::Stream stream, uint64_t from, uint64_t to);
v1::StreamMessage Exited(const v1::ExitStatus& status);
// With the totals of both streams.
v1::StreamMessage Drained(uint64_t stdout_bytes, uint64_t stderr_bytes);

// An error as the server makes it, with an ErrorInfo.
grpc::Status Refusal(grpc::StatusCode code, const std::string& message, const std::string& reason,
                     const std::map<std::string, std::string>& metadata = {});

// Sends `message` as the response of RunProcess, AttachProcess or ReadOutput; false once the stream
// is broken.
template <typename Response, typename Stream>
bool Say(Stream* stream, const v1::StreamMessage& message) {
  Response response;
  *response.mutable_message() = message;
  return stream->Write(response);
}

}  // namespace proctor::testing
