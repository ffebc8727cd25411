#include "tests/benchmark/event_client.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <vector>

#include "absl/synchronization/mutex.h"

namespace proctor {

void Die(const std::string& why) {
  ::fprintf(stderr, "%s\n", why.c_str());
  ::_exit(1);
}

int64_t MonotonicNow() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::shared_ptr<grpc::Channel> NewChannel(const std::string& target) {
  static absl::Mutex mutex;
  static auto* const channels = new std::vector<std::shared_ptr<grpc::Channel>>;
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
  absl::MutexLock lock(&mutex);
  channels->push_back(
      grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments));
  return channels->back();
}

v1::Process StartChild(v1::ProcessService::Stub& stub, const std::string& program) {
  grpc::ClientContext context;
  v1::StartProcessRequest request;
  request.mutable_spec()->add_argv(program);
  request.mutable_spec()->set_stdin_mode(v1::STDIO_MODE_NULL);
  request.mutable_spec()->set_stdout_mode(v1::STDIO_MODE_NULL);
  request.mutable_spec()->set_stderr_mode(v1::STDIO_MODE_NULL);
  v1::StartProcessResponse response;
  const grpc::Status status = stub.StartProcess(&context, request, &response);
  if (!status.ok()) Die("start: " + status.error_message());
  return response.process();
}

}  // namespace proctor
