// Where readers of an OutputLog may begin.
#include <gmock/gmock.h>

#include <string>

#include "core/base/error.h"
#include "core/process/output_log.h"
#include "tests/core/process/output_log_fixture.h"

namespace proctor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class OutputLogPlaceTest : public OutputLogTest {};

TEST_F(OutputLogPlaceTest, BeginsSoManyBytesBeforeTheEnd) {
  Append(kOut, "abc");
  Append(kErr, "xyz");
  Append(kOut, "def");
  EXPECT_THAT(ReadFrom(log_.FromTail(0)), IsEmpty());
  EXPECT_THAT(ReadFrom(log_.FromTail(2)), ElementsAre("out@4 ef"));
  EXPECT_THAT(ReadFrom(log_.FromTail(5)), ElementsAre("err@1 yz", "out@3 def"));
  EXPECT_THAT(ReadFrom(log_.FromTail(8)), ElementsAre("out@1 bc", "err@0 xyz", "out@3 def"));
  EXPECT_THAT(ReadFrom(log_.FromTail(1000)), ElementsAre("out@0 abc", "err@0 xyz", "out@3 def"));
  EXPECT_EQ(log_.FromTail(5).offset(kOut), 3u);
  EXPECT_EQ(log_.FromTail(5).offset(kErr), 1u);
}

TEST_F(OutputLogPlaceTest, BeginsAfterOffsetsOfInterleavedStreams) {
  Append(kOut, "abc");
  Append(kErr, "xyz");
  Append(kOut, "def");
  Append(kErr, "uvw");
  EXPECT_THAT(ReadFromOffsets(0, 0),
              ElementsAre("out@0 abc", "err@0 xyz", "out@3 def", "err@3 uvw"));
  EXPECT_THAT(ReadFromOffsets(1, 4), ElementsAre("out@1 bc", "out@3 def", "err@4 vw"));
  EXPECT_THAT(ReadFromOffsets(5, 1), ElementsAre("err@1 yz", "out@5 f", "err@3 uvw"));
  EXPECT_THAT(ReadFromOffsets(6, 0), ElementsAre("err@0 xyz", "err@3 uvw"));
  EXPECT_THAT(ReadFromOffsets(3, 6), ElementsAre("out@3 def"));
  EXPECT_THAT(ReadFromOffsets(6, 6), IsEmpty());
}

TEST_F(OutputLogPlaceTest, OffsetsBelowWhatIsKeptGiveAGap) {
  Append(kOut, std::string(1000, 'a'));
  Append(kErr, std::string(100, 'b'));
  EXPECT_EQ(ReadFromOffsets(10, 0)[0], "gap out 10-76");
  EXPECT_EQ(ReadFromOffsets(76, 0)[0], "out@76 " + std::string(924, 'a'));
}

TEST_F(OutputLogPlaceTest, RefusesOffsetsBeyondTheEnd) {
  Append(kOut, "abc");
  auto cursor = log_.FromOffsets(4, 0);
  ASSERT_TRUE(absl::IsOutOfRange(cursor.status())) << cursor.status();
  EXPECT_EQ(ErrorReason(cursor.status()), "OFFSET_OUT_OF_RANGE");
  auto variables = ErrorVariables(cursor.status());
  EXPECT_EQ(variables["field"], "from.offsets.stdout_offset");
  EXPECT_EQ(variables["offset"], "4");
  EXPECT_EQ(variables["total"], "3");
  cursor = log_.FromOffsets(3, 1);
  EXPECT_EQ(ErrorVariables(cursor.status())["field"], "from.offsets.stderr_offset");
}

TEST_F(OutputLogPlaceTest, AReaderFromOffsetsOwesOnlyWhatIsNewToIt) {
  Append(kOut, std::string(500, 'a'));
  Append(kErr, std::string(300, 'b'));
  auto cursor = log_.FromOffsets(400, 0);
  ASSERT_TRUE(cursor.ok()) << cursor.status();
  log_.Attach(&*cursor);
  EXPECT_EQ(log_.Room(), 1024u - 400);
  Read(*cursor);
  EXPECT_EQ(log_.Room(), 1024u);
  log_.Detach(&*cursor);
}

TEST_F(OutputLogPlaceTest, ALateReaderIsToldWhatStandsBeforeItsPlace) {
  Append(kOut, "abc");
  log_.SetMark();
  log_.AppendEof(kErr);
  Append(kOut, "def");
  log_.AppendEof(kOut);
  EXPECT_THAT(ReadFrom(log_.FromTail(1)), ElementsAre("mark", "eof err 0", "out@5 f", "eof out 6"));
  EXPECT_THAT(ReadFromOffsets(6, 0), ElementsAre("mark", "eof err 0", "eof out 6"));
}

}  // namespace
}  // namespace proctor
