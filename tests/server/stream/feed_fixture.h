#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "server/stream/process_feed.h"
#include "tests/core/process/process_fixture.h"
#include "tests/server/error_reason.h"
#include "tests/server/manual_loop.h"
#include "tests/server/stream/fake_stream_transport.h"

namespace proctor::server {

// A stream about a real process, whose transport and whose clock are the test's.
class FeedTest : public ProcessFixture {
 protected:
  FeedTest() {
    transport_.SetListener([this] { OnTransport(); });
  }

  void TearDown() override {
    if (process_ != nullptr && process_->state() != ProcessState::kDrained) {
      On([this] { process_->Kill({ExitCause::kClientSignal, "the end of the test"}); });
      Await([this] { return process_->state() == ProcessState::kDrained; });
    }
    On([this] { EndFeed(); });
    process_.reset();
    timers_.reset();
    ProcessFixture::TearDown();
  }

  // Runs `work` on the loop.
  void On(std::function<void()> work) {
    Run([&] {
      work();
      loop_->Stop();
    });
  }

  // Starts `command` and begins to serve it from its beginning.
  void Begin(Command command, ProcessFeed::Options options = Attached()) {
    timers_ = std::make_shared<ManualLoop>(loop_);
    On([&] {
      auto started = Start(std::move(command));
      ASSERT_TRUE(started.ok()) << started.status();
      process_ = *started;
      if (before_begin_) before_begin_();
      feed_.Begin(timers_, process_, *process_->output().FromOffsets(0, 0), options);
    });
  }

  // What RunProcess serves with.
  static ProcessFeed::Options Attached() {
    ProcessFeed::Options options;
    options.output.attached = true;
    options.end_of_input_is_eof = true;
    options.caller = "me";
    return options;
  }

  static Command Piped(const std::string& program) {
    Command command = MakeCommand(program);
    command.stdin_mode = StdioMode::kPipe;
    return command;
  }

  // Runs the loop until `condition` holds.
  void Await(std::function<bool()> condition) {
    if (condition()) return;
    condition_ = std::move(condition);
    uint64_t listener = 0;
    Run([&] {
      listener = process_->AddListener([this] { Check(); });
      Check();
    });
    On([&] { process_->RemoveListener(listener); });
    condition_ = nullptr;
  }

  // The write that is in flight ends.
  void EndWrite(bool ok = true) {
    On([&] {
      transport_.EndWrite();
      feed_.OnWritten(ok);
    });
  }

  // From now on each write ends by itself, with the loop's next turn.
  void WriteThrough() {
    writes_through_ = true;
    if (transport_.writing()) EndWrite();
  }

  // A message of the caller's comes in.
  void Input(v1::StreamInput input) {
    On([&] {
      transport_.EndRead();
      feed_.OnInput(std::move(input));
    });
  }
  void InputStdin(const std::string& data) {
    v1::StreamInput input;
    input.mutable_stdin()->set_data(data);
    Input(std::move(input));
  }
  void CloseStdin() {
    v1::StreamInput input;
    input.set_close_stdin(true);
    Input(std::move(input));
  }
  void EndInput() {
    On([&] {
      transport_.EndRead();
      feed_.OnInputEnd();
    });
  }

  void EndFeed() {
    if (!std::exchange(over_, true)) feed_.End();
  }

  // What the process was told: "signal 15 by me", and so on.
  std::string History() const {
    std::string text;
    for (const std::string& line : history_) text += line + "\n";
    return text;
  }

  FakeStreamTransport transport_;
  std::shared_ptr<ManualLoop> timers_;
  std::shared_ptr<Process> process_;
  ProcessFeed feed_{&transport_};
  std::function<void()> before_begin_;

 private:
  void OnTransport() {
    if (writes_through_ && transport_.writing() && !std::exchange(end_on_its_way_, true)) {
      loop_->CallSoon([this] {
        end_on_its_way_ = false;
        transport_.EndWrite();
        feed_.OnWritten(true);
        Check();
      });
    }
    Check();
  }
  void Check() {
    if (condition_ && condition_()) loop_->Stop();
  }

  std::function<bool()> condition_;
  bool writes_through_ = false;
  bool end_on_its_way_ = false;
  bool over_ = false;
};

}  // namespace proctor::server
