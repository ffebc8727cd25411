// read_output: runs a command, gives it what comes on stdin, passes on what it writes, and tells
// how it ended.
//
// usage: read_output COMMAND [ARGUMENT...]

#include <signal.h>

#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proctor/event_loop_policy.h"
#include "proctor/subprocess.h"

namespace {

void PassOn(std::string_view data, std::FILE* to) { std::fwrite(data.data(), 1, data.size(), to); }

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);  // a command need not read all that it is given
  const std::string input(std::istreambuf_iterator<char>(std::cin), {});
  proctor::Command command;
  command.argv = std::vector<std::string>(argv + 1, argv + argc);
  command.stdin_mode = proctor::StdioMode::kPipe;

  const auto loop = proctor::GetEventLoop().value();
  absl::StatusOr<std::unique_ptr<proctor::Subprocess>> process;
  loop->CallSoon([&] {  // Start needs a running loop
    process = proctor::Subprocess::Start(
        command, {.on_stdout = [](std::string_view data) { PassOn(data, stdout); },
                  .on_stderr = [](std::string_view data) { PassOn(data, stderr); },
                  .on_end =
                      [&](const proctor::ExitStatus& status) {
                        std::printf("%s, %d bytes\n", proctor::DebugString(status.wait).c_str(),
                                    static_cast<int>(status.output[0].total_bytes));
                        loop->Stop();
                      }});
    if (!process.ok()) return loop->Stop();
    (*process)->Write(input);
    (*process)->CloseStdin();
  });
  absl::Status status = loop->RunForever();
  status.Update(process.status());
  if (!status.ok()) std::fprintf(stderr, "read_output: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
