// run_and_read: runs a command on a server, passes on its output, and prints how it ended.
//
// usage: run_and_read HOST COMMAND [ARGUMENT...]

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "proctor/client/client.h"

namespace client = proctor::client;
namespace v1 = proctor::v1;

namespace {

bool PassOn(std::string_view data, std::FILE* to) {
  return std::fwrite(data.data(), 1, data.size(), to) == data.size();
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "run_and_read: %s\n", client::ErrorText(status).c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: run_and_read HOST COMMAND [ARGUMENT...]\n");
    return 2;
  }
  const auto server = client::Client::Connect({.host = argv[1]});
  if (!server.ok()) return Fail(server.status());

  // A stream runs the process and carries its output.
  v1::RunStart start;
  for (int i = 2; i < argc; ++i) start.mutable_spec()->add_argv(argv[i]);
  start.mutable_spec()->set_stdin_mode(v1::STDIO_MODE_NULL);
  const std::unique_ptr<client::ProcessStream> stream = (*server)->Run(start);
  client::StreamSinks sinks;
  sinks.on_stdout = [](std::string_view data) { return PassOn(data, stdout); };
  sinks.on_stderr = [](std::string_view data) { return PassOn(data, stderr); };
  const client::StreamOutcome outcome = stream->Receive(sinks);
  if (!outcome.error.ok()) return Fail(outcome.error);
  if (!outcome.complete()) return Fail(absl::DataLossError("the output or the end is missing"));

  const v1::ExitStatus& status = *outcome.exit_status;
  if (status.has_exit_code()) {
    std::printf("exit code %d\n", status.exit_code());
  } else {
    std::printf("signal %s\n", status.signal_name().c_str());
  }

  // A unary RPC returns its response, or why there is none.
  v1::RemoveProcessRequest forget;
  forget.set_process_id(outcome.process->process_id());
  const absl::StatusOr<v1::RemoveProcessResponse> forgotten = (*server)->RemoveProcess(forget);
  return forgotten.ok() ? 0 : Fail(forgotten.status());
}
