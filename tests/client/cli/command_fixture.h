#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/client/command_run.h"
#include "tests/client/fake_server.h"
#include "tests/client/messages.h"

namespace proctor::testing {

// What the tests of the verbs share: a fake server and a way to run the command against it.
//
// Not thread-safe.

class CommandFixture : public ::testing::Test {
 protected:
  std::vector<std::string> WithHost(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--host", server_.host()});
    return arguments;
  }

  // Starts the command with --host.
  std::unique_ptr<CommandRun> Start(std::vector<std::string> arguments,
                                    std::vector<std::string> environment = {}) {
    return std::make_unique<CommandRun>(
        CommandOptions{WithHost(std::move(arguments)), std::move(environment), ""});
  }

  // Runs it to its end, with an empty stdin; its output is in out_ and err_.
  int Run(std::vector<std::string> arguments, std::vector<std::string> environment = {}) {
    const auto run = Start(std::move(arguments), std::move(environment));
    const int code = run->Wait();
    out_ = run->out();
    err_ = run->err();
    return code;
  }

  // Makes RunProcess say `messages` and end with `status`.
  void Script(std::vector<v1::StreamMessage> messages, grpc::Status status = grpc::Status::OK) {
    server_.behaviour().run = [messages = std::move(messages), status](auto*, RunStream* stream) {
      for (const v1::StreamMessage& message : messages)
        Say<v1::RunProcessResponse>(stream, message);
      return status;
    };
  }

  FakeServer server_;
  std::string out_;
  std::string err_;
};

}  // namespace proctor::testing
