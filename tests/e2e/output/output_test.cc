// Where a read of output begins and ends, as its caller asks.

#include <absl/time/clock.h>
#include <google/protobuf/util/time_util.h>

#include "tests/e2e/harness/e2e_test.h"

namespace proctor {
namespace {

using google::protobuf::util::TimeUtil;
using testing::ElementsAre;
using testing::IsEmpty;

class OutputE2e : public E2eTest {
 protected:
  Transcript Read(const v1::ReadOutputRequest& request) {
    grpc::ClientContext context;
    auto stream = processes_->ReadOutput(&context, request);
    return ReadAll<v1::ReadOutputResponse>(*stream);
  }

  v1::ReadOutputRequest Of(const v1::Process& process) {
    v1::ReadOutputRequest request;
    request.set_process_id(process.process_id());
    return request;
  }

  // Returns a process that prints "one", and "two" much later than 10 ms after "one" was read.
  v1::Process SayTwice(google::protobuf::Timestamp* second) {
    v1::ProcessSpec spec = Shell("echo one; read go; sleep 0.1; echo two; echo three >&2");
    spec.set_stdin_mode(v1::STDIO_MODE_PIPE);
    const v1::Process process = Start(spec);
    grpc::ClientContext context;
    v1::ReadOutputRequest request = Of(process);
    request.set_follow(true);
    auto stream = processes_->ReadOutput(&context, request);
    v1::ReadOutputResponse response;
    while (stream->Read(&response)) {
      const v1::Output& output = response.message().output();
      if (output.data() == "one\n") Go(process);
      if (output.offset() == 4) *second = output.time();
    }
    EXPECT_TRUE(stream->Finish().ok());
    return process;
  }

  void Go(const v1::Process& process) {
    grpc::ClientContext context;
    v1::WriteStdinRequest request;
    request.set_process_id(process.process_id());
    request.set_data("\n");
    v1::WriteStdinResponse response;
    const grpc::Status status = processes_->WriteStdin(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
};

TEST_F(OutputE2e, ReadsTheLastLines) {
  const v1::Process process =
      Start(Shell("for i in 1 2 3; do echo $i; done; printf end; echo e >&2"));
  Wait(process.process_id());
  v1::ReadOutputRequest request = Of(process);
  request.add_streams(v1::STREAM_STDOUT);
  request.mutable_from()->set_tail_lines(2);
  EXPECT_EQ(Read(request).out, "3\nend");
  request.mutable_from()->set_tail_lines(100);
  EXPECT_EQ(Read(request).out, "1\n2\n3\nend");
  // Only lines of the streams that are asked for count.
  request.clear_streams();
  request.add_streams(v1::STREAM_STDERR);
  request.mutable_from()->set_tail_lines(1);
  EXPECT_EQ(Read(request).err, "e\n");
}

TEST_F(OutputE2e, TellsWhatIsMissingOfTheLastLines) {
  v1::ProcessSpec spec = Shell("seq 1 10000");
  spec.mutable_output()->set_retain_bytes(4096);
  spec.mutable_output()->set_overflow(v1::OVERFLOW_POLICY_DROP_OLDEST);
  const v1::Process process = Start(spec);
  Wait(process.process_id());
  v1::ReadOutputRequest request = Of(process);
  request.mutable_from()->set_tail_lines(2);
  EXPECT_EQ(Read(request).out, "9999\n10000\n");
  EXPECT_THAT(Read(request).gaps, IsEmpty());
  request.mutable_from()->set_tail_lines(5000);
  const Transcript cut = Read(request);
  ASSERT_EQ(cut.gaps.size(), 1u);
  EXPECT_EQ(cut.gaps[0].from(), 0u);
  EXPECT_EQ(cut.gaps[0].to(), 48894u - 4096u);
}

TEST_F(OutputE2e, ReadsFromATimeToAnother) {
  google::protobuf::Timestamp second;
  const v1::Process process = SayTwice(&second);
  v1::ReadOutputRequest request = Of(process);
  *request.mutable_from()->mutable_since() = second;
  Transcript read = Read(request);
  EXPECT_EQ(read.out, "two\n");
  EXPECT_EQ(read.err, "three\n");
  EXPECT_THAT(read.gaps, IsEmpty());
  // The later of two positions holds.
  request.mutable_from()->set_tail_lines(3);
  EXPECT_EQ(Read(request).out, "two\n");

  request = Of(process);
  *request.mutable_until() = second - TimeUtil::NanosecondsToDuration(1);
  read = Read(request);
  EXPECT_EQ(read.out, "one\n");
  EXPECT_EQ(read.err, "");
  EXPECT_THAT(read.order, ElementsAre("started", "out"));
  request.set_follow(true);
  EXPECT_EQ(Read(request).out, "one\n");
}

TEST_F(OutputE2e, FollowsUntilATimeComes) {
  const v1::Process process = Start(Shell("echo one; exec sleep 1000"));
  v1::ReadOutputRequest request = Of(process);
  request.set_follow(true);
  *request.mutable_until() = TimeUtil::GetCurrentTime() + TimeUtil::MillisecondsToDuration(300);
  const Transcript read = Read(request);
  EXPECT_TRUE(read.status.ok()) << read.status.error_message();
  EXPECT_FALSE(read.exit_status.has_exited_at());
}

TEST_F(OutputE2e, RefusesTimesThatAreNone) {
  const v1::Process process = Start(Spec("exit_with", {"0"}));
  v1::ReadOutputRequest request = Of(process);
  request.mutable_until()->set_nanos(-1);
  EXPECT_EQ(Details(Read(request).status).metadata["field"], "until");
  request.clear_until();
  request.mutable_from()->mutable_since()->set_seconds(1LL << 40);
  EXPECT_EQ(Details(Read(request).status).metadata["field"], "from.since");
}

TEST_F(OutputE2e, ReadOutputReadsTailsAndOneStream) {
  const v1::Process process = Start(Spec("spew", {"1000", "500"}));
  Wait(process.process_id());
  grpc::ClientContext context;
  v1::ReadOutputRequest request;
  request.set_process_id(process.process_id());
  request.add_streams(v1::STREAM_STDERR);
  auto stream = processes_->ReadOutput(&context, request);
  const Transcript errors = ReadAll<v1::ReadOutputResponse>(*stream);
  EXPECT_EQ(errors.err.size(), 500u);
  EXPECT_TRUE(errors.out.empty());

  grpc::ClientContext second;
  request.clear_streams();
  request.mutable_from()->set_tail_bytes(100);
  auto tail = processes_->ReadOutput(&second, request);
  const Transcript last = ReadAll<v1::ReadOutputResponse>(*tail);
  EXPECT_EQ(last.out.size() + last.err.size(), 100u);
}

TEST_F(OutputE2e, AStoppedReaderHoldsBackItsOwnProcessOnly) {
  grpc::ClientContext context;
  auto stream = processes_->RunProcess(&context);
  v1::RunProcessRequest request;
  *request.mutable_start()->mutable_spec() = Spec("spew", {"50000000", "0"});
  stream->Write(request);
  // The first stream is not read. Another process of the same session runs to its end meanwhile.
  EXPECT_EQ(RunAll(Spec("spew", {"3000000", "0"})).out.size(), 3000000u);
  const Transcript slow = ReadAll<v1::RunProcessResponse>(*stream);
  EXPECT_EQ(slow.out.size(), 50000000u);
  EXPECT_TRUE(slow.gaps.empty());
}

}  // namespace
}  // namespace proctor
