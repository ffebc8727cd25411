// Thousands of processes that write as fast as they can. Every byte arrives once and in order, and
// the counts of the server agree with the bytes.

#include <atomic>
#include <cstdlib>
#include <optional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/e2e/harness/e2e_test.h"
#include "tests/programs/noise.h"

namespace proctor {
namespace {

constexpr uint64_t kMostBytes = 1 << 20;
constexpr int kSessions = 4;
constexpr int kStreams = 32;  // at once

// The number of processes. PROCTOR_TEST_FLOOD overrides it.
int Processes() {
  if (const char* text = std::getenv("PROCTOR_TEST_FLOOD")) return std::atoi(text);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return 200;
#else
  return 10000;
#endif
}

// Checks the messages of one stream. Remembers the first mistake.
class StreamCheck {
 public:
  void Take(const v1::StreamMessage& message) {
    ++messages_;
    Expect(!drained_.has_value(), "it comes after OutputDrained");
    switch (message.message_case()) {
      case v1::StreamMessage::kStarted:
        return Expect(messages_ == 1, "Started, and not as the first message");
      case v1::StreamMessage::kOutput:
        return TakeOutput(message.output());
      case v1::StreamMessage::kStreamEof:
        return TakeEof(message.stream_eof());
      case v1::StreamMessage::kExited:
        return TakeExit(message.exited().exit_status());
      case v1::StreamMessage::kOutputDrained:
        Expect(exit_.has_value(), "OutputDrained before Exited");
        Expect(message.output_drained().reason() == v1::DRAIN_REASON_EOF,
               message.ShortDebugString());
        drained_ = message.output_drained();
        return;
      case v1::StreamMessage::kHeartbeat:
        return;
      default:
        return Expect(false, "a message of kind " + std::to_string(message.message_case()));
    }
  }

  // Returns the first mistake, or "".
  std::string Finish(const grpc::Status& status, uint64_t bytes) {
    Expect(status.ok(), "ended with: " + status.error_message());
    Expect(exit_.has_value() && drained_.has_value(), "ended without Exited or OutputDrained");
    if (!mistake_.empty()) return mistake_;
    Expect(exit_->has_exit_code() && exit_->exit_code() == 0, exit_->ShortDebugString());
    Expect(out_.eof && err_.eof, "ended without both ends of file");
    Expect(out_.digest.count() == bytes, "stdout has another size than was asked for");
    const std::string line = absl::StrFormat("%d %016x\n", out_.digest.count(), out_.digest.hash());
    Expect(text_ == line, "the process says " + text_ + ", the bytes say " + line);
    Expect(drained_->output_size() == 2, "totals of two streams are missing");
    for (const v1::StreamTotals& totals : drained_->output()) {
      Expect(totals.eof() && totals.total_bytes() == Of(totals.stream()).digest.count(),
             "OutputDrained tells " + totals.ShortDebugString());
    }
    return mistake_;
  }

 private:
  struct Output {
    Digest digest;
    bool eof = false;
  };

  Output& Of(v1::Stream stream) { return stream == v1::STREAM_STDOUT ? out_ : err_; }

  void Expect(bool right, const std::string& mistake) {
    if (!right && mistake_.empty()) mistake_ = absl::StrCat("message ", messages_, ": ", mistake);
  }

  void TakeOutput(const v1::Output& output) {
    Output& stream = Of(output.stream());
    Expect(messages_ > 1, "Output before Started");
    Expect(!stream.eof, "Output after its StreamEof");
    Expect(!output.data().empty(), "Output without bytes");
    Expect(output.offset() == stream.digest.count(), "Output leaves a hole, or repeats bytes");
    stream.digest.Add(output.data().data(), output.data().size());
    if (output.stream() == v1::STREAM_STDERR) text_ += output.data();
  }

  void TakeEof(const v1::StreamEof& eof) {
    Output& stream = Of(eof.stream());
    Expect(!stream.eof, "a second StreamEof");
    Expect(eof.total_bytes() == stream.digest.count(), "StreamEof counts other bytes");
    stream.eof = true;
  }

  // The counts may be ahead of the stream, but never behind it.
  void TakeExit(const v1::ExitStatus& exit) {
    Expect(messages_ > 1, "Exited before Started");
    Expect(!exit_.has_value(), "a second Exited");
    Expect(exit.output_size() == 2, "Exited without totals of two streams");
    for (const v1::StreamTotals& totals : exit.output()) {
      Expect(totals.total_bytes() >= Of(totals.stream()).digest.count(),
             "Exited counts fewer bytes than came");
    }
    exit_ = exit;
  }

  int messages_ = 0;
  std::string mistake_;
  Output out_;
  Output err_;
  std::string text_;  // of stderr
  std::optional<v1::ExitStatus> exit_;
  std::optional<v1::OutputDrained> drained_;
};

class FloodE2e : public E2eTest {
 protected:
  // The server forgets ended processes soon. Otherwise it would keep gigabytes of output.
  FloodE2e() : E2eTest({"--max-ended-processes=100"}) {}

  std::string Open() {
    grpc::ClientContext context;
    v1::CreateSessionResponse response;
    const grpc::Status status = sessions_->CreateSession(&context, {}, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.session().session_id();
  }

  void Close(const std::string& session_id) {
    grpc::ClientContext context;
    v1::CloseSessionRequest request;
    request.set_session_id(session_id);
    v1::CloseSessionResponse response;
    const grpc::Status status = sessions_->CloseSession(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }

  // Runs the process of this number. Returns what was wrong, or "".
  static std::string RunOne(v1::ProcessService::Stub& stub, const std::string& session_id,
                            int number) {
    Noise noise(static_cast<uint64_t>(number));
    // The ends of the range are among them. The server may keep much less than is written.
    const uint64_t bytes = number % 100 == 0   ? 0
                           : number % 100 == 1 ? kMostBytes
                                               : noise.BlockSize(kMostBytes) - 1;
    v1::RunProcessRequest request;
    request.mutable_start()->set_session_id(session_id);
    v1::ProcessSpec* spec = request.mutable_start()->mutable_spec();
    *spec = Spec("noise", {absl::StrCat(number), absl::StrCat(bytes)});
    constexpr uint64_t kRetained[] = {4096, 65536, 0};
    spec->mutable_output()->set_retain_bytes(kRetained[number % 3]);
    // A child of another session holds the pipes, too, until its exec. That may take long on a busy
    // machine.
    spec->mutable_drain_grace()->set_seconds(60);

    grpc::ClientContext context;
    auto stream = stub.RunProcess(&context);
    stream->Write(request);
    stream->WritesDone();
    StreamCheck check;
    v1::RunProcessResponse response;
    while (stream->Read(&response)) check.Take(response.message());
    return check.Finish(stream->Finish(), bytes);
  }
};

TEST_F(FloodE2e, EveryByteOfEveryProcessArrivesOnceAndIsCounted) {
  const int processes = Processes();
  std::vector<std::string> sessions;
  std::vector<std::unique_ptr<v1::ProcessService::Stub>> stubs;
  for (int i = 0; i < kSessions; ++i) {
    sessions.push_back(Open());
    stubs.push_back(v1::ProcessService::NewStub(server_.NewChannel()));
  }
  std::atomic<int> next = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kStreams; ++i) {
    threads.emplace_back([&, i] {
      for (int number; (number = next++) < processes && wrong < 10;) {
        const std::string mistake =
            RunOne(*stubs[i % kSessions], sessions[number % kSessions], number);
        if (mistake.empty()) continue;
        ++wrong;
        ADD_FAILURE() << "process " << number << ": " << mistake;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  // The server reports an exit before it reaps the child: a call through each session's thread
  // returns after the reaping.
  for (const std::string& session : sessions) Close(session);
  EXPECT_EQ(server_.CountChildren(), 0u);
}

}  // namespace
}  // namespace proctor
