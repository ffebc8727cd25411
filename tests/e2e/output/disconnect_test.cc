// Connections that break again and again, in the middle of input and output. With positions and
// request ids no byte is lost or doubled, and no process starts twice.

#include <algorithm>
#include <cstdlib>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/e2e/harness/e2e_test.h"
#include "tests/e2e/output/cutting_relay.h"
#include "tests/programs/noise.h"

namespace proctor {
namespace {

constexpr size_t kInputBytes = 10 << 20;
constexpr int kInputCuts = 100;
constexpr size_t kOutputBytes = 4 << 20;
constexpr int kOutputCuts = 50;
// Small enough that all cuts come before all bytes have passed.
constexpr uint64_t kMostBetweenCuts = 80000;
constexpr size_t kMostInChunk = 32768;
static_assert(kInputCuts * kMostBetweenCuts < kInputBytes);
static_assert(kOutputCuts * kMostBetweenCuts < kOutputBytes);
constexpr int kMostAttempts = 10 * kInputCuts;

std::string Line(const Digest& digest) {
  return absl::StrFormat("%d %016x\n", digest.count(), digest.hash());
}

class DisconnectE2e : public E2eTest {
 protected:
  DisconnectE2e() {
    const char* seed = std::getenv("PROCTOR_TEST_SEED");
    seed_ = seed != nullptr ? static_cast<unsigned>(std::strtoul(seed, nullptr, 10))
                            : std::random_device()();
    RecordProperty("seed", absl::StrCat(seed_));
    std::printf("PROCTOR_TEST_SEED=%u\n", seed_);
  }

  // The input, and the digest that the process must print for it.
  void MakeInput() {
    Noise noise(seed_);
    input_.resize(kInputBytes);
    noise.Fill(input_.data(), input_.size());
    Digest digest;
    digest.Add(input_.data(), input_.size());
    line_ = Line(digest);
  }

  // Returns a piece of the input, from this offset on.
  std::string Chunk(size_t at) { return input_.substr(at, chunks_.BlockSize(kMostInChunk)); }

  // Returns a stub with a connection of its own. The first call connects.
  static std::unique_ptr<v1::ProcessService::Stub> Connect(const CuttingRelay& relay) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return v1::ProcessService::NewStub(
        grpc::CreateCustomChannel(relay.target(), grpc::InsecureChannelCredentials(), arguments));
  }

  // Returns whether a call ended with its connection. Any other error is a failure of the test.
  bool WasCut(const grpc::Status& status) {
    if (status.ok()) return false;
    ++failures_;
    EXPECT_EQ(status.error_code(), grpc::UNAVAILABLE) << status.error_message();
    EXPECT_LT(failures_, kMostAttempts) << "too many attempts";
    return true;
  }

  // A process that reads slowly: its pipe is often full when the connection breaks.
  static v1::ProcessSpec DigestStdin() {
    v1::ProcessSpec spec = Spec("digest_stdin", {"500"});
    spec.set_stdin_mode(v1::STDIO_MODE_PIPE);
    return spec;
  }

  void ExpectOneProcess(const std::string& process_id) {
    grpc::ClientContext context;
    v1::ListProcessesResponse response;
    ASSERT_TRUE(processes_->ListProcesses(&context, {}, &response).ok());
    ASSERT_EQ(response.processes_size(), 1);
    EXPECT_EQ(response.processes(0).process_id(), process_id);
  }

  unsigned seed_ = 0;
  std::string input_;
  std::string line_;
  Noise chunks_{1};
  int failures_ = 0;
};

// ---- WriteStdin, by offset. -----------------------------------------------

TEST_F(DisconnectE2e, WriteStdinByOffsetPutsEveryByteInOnce) {
  MakeInput();
  CuttingRelay relay(server_.socket(), seed_, kInputCuts, kMostBetweenCuts);
  auto stub = Connect(relay);

  v1::StartProcessRequest start;
  start.set_request_id("once");
  *start.mutable_spec() = DigestStdin();
  v1::StartProcessResponse started;
  for (bool cut = true; cut && !HasFailure();) {
    grpc::ClientContext context;
    cut = WasCut(stub->StartProcess(&context, start, &started));
    if (cut) stub = Connect(relay);
  }
  const std::string id = started.process().process_id();

  uint64_t taken = 0;
  bool ended = false;
  v1::WriteStdinRequest write;
  write.set_process_id(id);
  while (!ended && !HasFailure()) {
    write.set_offset(taken);
    write.set_data(Chunk(taken));
    write.set_eof(taken + write.data().size() == kInputBytes);
    for (bool cut = true; cut && !HasFailure();) {
      grpc::ClientContext context;
      v1::WriteStdinResponse written;
      cut = WasCut(stub->WriteStdin(&context, write, &written));
      // The call that was cut may still hold stdin.
      write.set_force(cut);
      if (cut) {
        stub = Connect(relay);
        continue;
      }
      EXPECT_EQ(written.stdin_bytes(), taken + write.data().size());
      taken = written.stdin_bytes();
      ended = write.eof();
    }
  }
  ASSERT_FALSE(HasFailure());
  EXPECT_EQ(relay.cuts(), kInputCuts);
  EXPECT_EQ(Wait(id).exit_status().exit_code(), 0);
  EXPECT_EQ(Attach(id).out, line_);
  ExpectOneProcess(id);
}

// ---- RunProcess, by request id and position. ------------------------------

class RunThroughCuts : public DisconnectE2e {
 protected:
  // One attempt: finds the process, writes the input that its pipe has not taken yet, and reads its
  // output. Returns whether the stream came to its end.
  bool Run(v1::ProcessService::Stub& stub) {
    grpc::ClientContext context;
    auto stream = stub.RunProcess(&context);
    v1::RunProcessRequest request;
    request.mutable_start()->set_request_id("once");
    request.mutable_start()->set_on_disconnect(v1::DISCONNECT_POLICY_KEEP);
    request.mutable_start()->set_force_stdin(true);
    *request.mutable_start()->mutable_spec() = DigestStdin();
    stream->Write(request);
    transcript_ = Transcript();
    v1::RunProcessResponse response;
    if (stream->Read(&response)) {
      TakeStarted(response.message().started().process());
      // Every other time some bytes are sent again. The server has to skip them.
      const uint64_t again = failures_ % 2 == 0 ? 0 : std::min<uint64_t>(taken_, 5000);
      std::thread feeder([&, at = taken_ - again] { Feed(*stream, at); });
      while (stream->Read(&response)) Take(response.message());
      feeder.join();
    }
    transcript_.status = stream->Finish();
    return !WasCut(transcript_.status);
  }

  std::string id_;
  uint64_t taken_ = 0;
  Transcript transcript_;

 private:
  void TakeStarted(const v1::Process& process) {
    EXPECT_TRUE(id_.empty() || id_ == process.process_id()) << "a second process";
    id_ = process.process_id();
    EXPECT_GE(process.stdin_bytes(), taken_) << "what was acknowledged is lost";
    taken_ = process.stdin_bytes();
  }

  void Take(const v1::StreamMessage& message) {
    Note(message, transcript_);
    if (!message.has_stdin_ack()) return;
    EXPECT_GE(message.stdin_ack().offset(), taken_);
    taken_ = message.stdin_ack().offset();
  }

  // Reads from there on, to the end or until the stream breaks.
  void Feed(RunStream& stream, uint64_t at) {
    v1::RunProcessRequest request;
    while (at < kInputBytes) {
      v1::StdinData* data = request.mutable_input()->mutable_stdin();
      data->set_offset(at);
      data->set_data(Chunk(at));
      at += data->data().size();
      if (!stream.Write(request)) return;
    }
    request.mutable_input()->set_close_stdin(true);
    stream.Write(request);
  }
};

TEST_F(RunThroughCuts, PutsEveryByteInOnceAndStartsOneProcess) {
  MakeInput();
  CuttingRelay relay(server_.socket(), seed_, kInputCuts, kMostBetweenCuts);
  while (!Run(*Connect(relay)) && !HasFailure()) {
  }
  ASSERT_FALSE(HasFailure());
  EXPECT_EQ(relay.cuts(), kInputCuts);
  EXPECT_EQ(taken_, kInputBytes);
  EXPECT_EQ(transcript_.out, line_);
  EXPECT_EQ(transcript_.exit_status.exit_code(), 0);
  EXPECT_EQ(transcript_.order.back(), "drained");
  ExpectOneProcess(id_);
}

// ---- AttachProcess, from where it was cut. --------------------------------

TEST_F(DisconnectE2e, AttachByOffsetsReadsEveryByteOnce) {
  // The process writes while the test reads, and the server keeps all of it.
  v1::ProcessSpec spec = Spec("noise", {absl::StrCat(seed_), absl::StrCat(kOutputBytes), "1000"});
  spec.mutable_output()->set_retain_bytes(2 * kOutputBytes);
  CuttingRelay relay(server_.socket(), seed_, kOutputCuts, kMostBetweenCuts);
  const std::string id = Start(spec).process_id();

  Digest out;
  std::string err;
  int exits = 0;
  for (bool cut = true; cut && !HasFailure();) {
    auto stub = Connect(relay);
    grpc::ClientContext context;
    auto stream = stub->AttachProcess(&context);
    v1::AttachProcessRequest request;
    request.mutable_attach()->set_process_id(id);
    auto* offsets = request.mutable_attach()->mutable_from()->mutable_offsets();
    offsets->set_stdout_offset(out.count());
    offsets->set_stderr_offset(err.size());
    stream->Write(request);
    stream->WritesDone();
    v1::AttachProcessResponse response;
    exits = 0;
    while (stream->Read(&response)) {
      const v1::StreamMessage& message = response.message();
      EXPECT_FALSE(message.has_output_gap()) << message.ShortDebugString();
      exits += message.has_exited() ? 1 : 0;
      if (!message.has_output()) continue;
      const v1::Output& output = message.output();
      const bool is_out = output.stream() == v1::STREAM_STDOUT;
      EXPECT_EQ(output.offset(), is_out ? out.count() : err.size());
      if (is_out) out.Add(output.data().data(), output.data().size());
      if (!is_out) err += output.data();
    }
    cut = WasCut(stream->Finish());
  }
  ASSERT_FALSE(HasFailure());
  EXPECT_EQ(relay.cuts(), kOutputCuts);
  EXPECT_EQ(out.count(), kOutputBytes);
  EXPECT_EQ(err, Line(out));
  EXPECT_EQ(exits, 1);
}

}  // namespace
}  // namespace proctor
