#include "server/gateway/output_frames.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proctor/error.h"

namespace proctor::server::http {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr v1::Stream kOut = v1::STREAM_STDOUT;
constexpr v1::Stream kErr = v1::STREAM_STDERR;

v1::ReadOutputResponse Output(v1::Stream stream, uint64_t offset, const std::string& data) {
  v1::ReadOutputResponse response;
  v1::Output* output = response.mutable_message()->mutable_output();
  output->set_stream(stream);
  output->set_offset(offset);
  output->set_data(data);
  return response;
}

v1::ReadOutputResponse Gap(v1::Stream stream, uint64_t from, uint64_t to) {
  v1::ReadOutputResponse response;
  v1::OutputGap* gap = response.mutable_message()->mutable_output_gap();
  gap->set_stream(stream);
  gap->set_from(from);
  gap->set_to(to);
  return response;
}

// That a process has so much output.
v1::ReadOutputResponse Started(uint64_t out, uint64_t err, uint64_t out_dropped = 0) {
  v1::ReadOutputResponse response;
  v1::Process* process = response.mutable_message()->mutable_started()->mutable_process();
  v1::StreamTotals* totals = process->add_output();
  totals->set_stream(kOut);
  totals->set_total_bytes(out);
  totals->set_dropped_bytes(out_dropped);
  totals = process->add_output();
  totals->set_stream(kErr);
  totals->set_total_bytes(err);
  return response;
}

std::string Text(OutputFrames& frames, const v1::ReadOutputResponse& message) {
  const Frame frame = frames.Render(message);
  return frame == nullptr ? "" : *frame;
}

// The position that a frame tells.
std::string IdOf(OutputFrames& frames, const v1::ReadOutputResponse& message) {
  const std::string text = Text(frames, message);
  const size_t begin = text.find("\nid: ") + 5;
  return text.substr(begin, text.find('\n', begin) - begin);
}

v1::OutputPosition Offsets(uint64_t out, uint64_t err) {
  v1::OutputPosition from;
  from.mutable_offsets()->set_stdout_offset(out);
  from.mutable_offsets()->set_stderr_offset(err);
  return from;
}

v1::OutputPosition Tail(uint64_t bytes) {
  v1::OutputPosition from;
  from.set_tail_bytes(bytes);
  return from;
}

TEST(OutputFrames, WriteEveryKindOfMessage) {
  OutputFrames frames(Offsets(0, 0));
  EXPECT_THAT(Text(frames, Started(0, 0)), StartsWith("event: started\ndata: {\"process\":{"));
  EXPECT_EQ(Text(frames, Output(kOut, 0, "ab")),
            "event: output\nid: 2:0\n"
            "data: {\"stream\":\"STREAM_STDOUT\",\"offset\":\"0\",\"data\":\"YWI=\"}\n\n");
  EXPECT_EQ(Text(frames, Gap(kErr, 0, 5)),
            "event: gap\nid: 2:5\n"
            "data: {\"stream\":\"STREAM_STDERR\",\"from\":\"0\",\"to\":\"5\"}\n\n");
  v1::ReadOutputResponse message;
  message.mutable_message()->mutable_stream_eof()->set_stream(kOut);
  EXPECT_EQ(Text(frames, message),
            "event: eof\ndata: {\"stream\":\"STREAM_STDOUT\",\"total_bytes\":\"0\"}\n\n");
  message.mutable_message()->mutable_exited()->mutable_exit_status()->set_exit_code(3);
  EXPECT_THAT(Text(frames, message),
              StartsWith("event: exited\ndata: {\"exit_status\":{\"exit_code\":3,"));
  message.mutable_message()->mutable_output_drained()->set_reason(v1::DRAIN_REASON_EOF);
  EXPECT_THAT(Text(frames, message),
              StartsWith("event: drained\ndata: {\"reason\":\"DRAIN_REASON_EOF\","));
  message.mutable_message()->mutable_heartbeat()->mutable_time()->set_seconds(1);
  EXPECT_EQ(Text(frames, message),
            "event: heartbeat\ndata: {\"time\":\"1970-01-01T00:00:01Z\"}\n\n");
  message.mutable_message()->mutable_stdin_ack();
  EXPECT_EQ(Text(frames, message), "");
}

TEST(OutputFrames, TellTheEnd) {
  const OutputFrames frames(Offsets(0, 0));
  EXPECT_EQ(frames.Last(absl::OkStatus()), "event: end\ndata: {}\n\n");
  EXPECT_THAT(frames.Last(MakeError(absl::StatusCode::kNotFound, Reason::kProcessNotFound, "none")),
              StartsWith("event: error\ndata: {\"error\":{\"code\":\"NOT_FOUND\","));
}

TEST(OutputFrames, GoOnFromTheOffsetsThatWereAskedFor) {
  OutputFrames frames(Offsets(10, 20));
  frames.Render(Started(100, 200));
  EXPECT_EQ(IdOf(frames, Output(kOut, 10, "abc")), "13:20");
  EXPECT_EQ(IdOf(frames, Output(kErr, 20, "abc")), "13:23");
}

TEST(OutputFrames, GoOnFromTheOldestKeptByteOfASilentStream) {
  OutputFrames frames{v1::OutputPosition()};
  frames.Render(Started(/*out=*/50, /*err=*/8, /*out_dropped=*/40));
  EXPECT_EQ(IdOf(frames, Output(kErr, 0, "1234")), "40:4");
  EXPECT_EQ(IdOf(frames, Output(kOut, 40, "abc")), "43:4");
}

TEST(OutputFrames, MissNothingOfATailThatIsStillToCome) {
  OutputFrames frames(Tail(10));
  frames.Render(Started(/*out=*/100, /*err=*/50));
  // Of the ten bytes four came: the other six may be of stderr.
  EXPECT_EQ(IdOf(frames, Output(kOut, 96, "abcd")), "100:40");
  EXPECT_EQ(IdOf(frames, Output(kErr, 44, "abcdef")), "100:50");
}

TEST(OutputFrames, KnowASilentStreamsPlaceOnceTheTailCame) {
  OutputFrames frames(Tail(10));
  frames.Render(Started(/*out=*/100, /*err=*/50));
  EXPECT_EQ(IdOf(frames, Output(kOut, 90, "0123456789")), "100:50");
}

TEST(OutputFrames, KnowASilentStreamsPlaceOnceNewOutputComes) {
  OutputFrames frames(Tail(10));
  frames.Render(Started(/*out=*/100, /*err=*/50, /*out_dropped=*/99));
  EXPECT_EQ(IdOf(frames, Output(kOut, 99, "a")), "100:40");
  EXPECT_EQ(IdOf(frames, Output(kOut, 100, "b")), "101:50");
}

TEST(OutputFrames, TakeATailOfNothing) {
  OutputFrames frames(Tail(0));
  frames.Render(Started(/*out=*/100, /*err=*/50));
  EXPECT_EQ(IdOf(frames, Output(kErr, 50, "x")), "100:51");
}

}  // namespace
}  // namespace proctor::server::http
