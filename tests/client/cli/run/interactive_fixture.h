#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/client/cli/command_fixture.h"
#include "tests/client/fake_terminal.h"
#include "tests/client/terminal_run.h"

namespace proctor::testing {

// The command at a real pseudo-terminal, and a fake one of a process behind the fake server.
//
// Not thread-safe.

class InteractiveFixture : public CommandFixture {
 protected:
  InteractiveFixture() { Serve(/*stubborn=*/false); }

  void Serve(bool stubborn) {
    server_.behaviour().run = [terminal = served_, stubborn](grpc::ServerContext* context,
                                                             RunStream* stream) {
      return terminal->Serve(context, stream, stubborn);
    };
    server_.behaviour().attach = [terminal = served_, stubborn](grpc::ServerContext* context,
                                                                AttachStream* stream) {
      return terminal->Serve(context, stream, stubborn);
    };
    server_.behaviour().get = [](const v1::GetProcessRequest& request,
                                 v1::GetProcessResponse* response) {
      *response->mutable_process() = MakeProcess(request.process_id());
      response->mutable_process()->mutable_spec()->mutable_pty();
      return grpc::Status::OK;
    };
  }

  std::unique_ptr<TerminalRun> OnTerminal(std::vector<std::string> arguments, int rows = 24,
                                          std::vector<std::string> environment = {}) {
    arguments.insert(arguments.begin(), {"--host", server_.host()});
    return std::make_unique<TerminalRun>(
        CommandOptions{std::move(arguments), std::move(environment), ""}, rows, 80);
  }

  // What is shown comes after the terminal has become raw.
  std::unique_ptr<TerminalRun> Ready(const std::vector<std::string>& arguments,
                                     std::vector<std::string> environment = {}) {
    auto run = OnTerminal(arguments, 24, std::move(environment));
    terminal_.Show("ready");
    EXPECT_TRUE(run->Shows("ready")) << run->shown();
    EXPECT_TRUE(run->IsRaw());
    return run;
  }

  // The server's as well, where a stream may end after the test.
  const std::shared_ptr<FakeTerminal> served_ = std::make_shared<FakeTerminal>();
  FakeTerminal& terminal_ = *served_;
};

}  // namespace proctor::testing
