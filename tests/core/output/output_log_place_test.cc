// Where readers of an OutputLog may begin.
#include <gmock/gmock.h>

#include <random>
#include <string>
#include <vector>

#include "core/output/output_log.h"
#include "proctor/error.h"
#include "tests/core/output/output_log_fixture.h"

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

TEST_F(OutputLogPlaceTest, TheStartIsThatOfBothStreams) {
  EXPECT_THAT(ReadFrom(log_.FromStart()), IsEmpty());
  Append(kErr, "xyz");
  EXPECT_EQ(ReadFrom(log_.FromStart()), ReadFromOffsets(0, 0));
  Append(kOut, std::string(1000, 'a'));
  Append(kOut, std::string(200, 'b'));
  log_.SetMark();
  const std::vector<std::string> items = ReadFrom(log_.FromStart());
  EXPECT_EQ(items, ReadFromOffsets(0, 0));
  EXPECT_EQ(items[0], "gap out 0-176");
  EXPECT_EQ(items[1], "gap err 0-3");
  OutputCursor cursor = log_.FromStart();
  log_.Attach(&cursor);
  EXPECT_EQ(log_.Room(), 0u) << "it owes all that is kept";
  log_.Detach(&cursor);
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
  EXPECT_EQ(variables["field"], "stdout_offset");
  EXPECT_EQ(variables["offset"], "4");
  EXPECT_EQ(variables["total"], "3");
  cursor = log_.FromOffsets(3, 1);
  EXPECT_EQ(ErrorVariables(cursor.status())["field"], "stderr_offset");
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

constexpr WantedStreams kBoth = {true, true};

TEST_F(OutputLogPlaceTest, BeginsSoManyLinesBeforeTheEnd) {
  Append(kOut, "a\nb\n");
  Append(kErr, "x\n");
  Append(kOut, "c\nd");
  EXPECT_THAT(ReadFrom(log_.FromTailLines(0, kBoth)), IsEmpty());
  EXPECT_THAT(ReadFrom(log_.FromTailLines(1, kBoth)), ElementsAre("out@6 d"));
  EXPECT_THAT(ReadFrom(log_.FromTailLines(2, kBoth)), ElementsAre("out@4 c\nd"));
  EXPECT_THAT(ReadFrom(log_.FromTailLines(3, kBoth)), ElementsAre("err@0 x\n", "out@4 c\nd"));
  EXPECT_THAT(ReadFrom(log_.FromTailLines(4, kBoth)),
              ElementsAre("out@2 b\n", "err@0 x\n", "out@4 c\nd"));
  EXPECT_THAT(ReadFrom(log_.FromTailLines(9, kBoth)),
              ElementsAre("out@0 a\nb\n", "err@0 x\n", "out@4 c\nd"));
}

TEST_F(OutputLogPlaceTest, ALineThatAnotherStreamCutsIsHadAsAWhole) {
  Append(kOut, "a\nhel");
  Append(kErr, "x\n");
  Append(kOut, "lo\n");
  EXPECT_THAT(ReadFrom(log_.FromTailLines(1, kBoth)), ElementsAre("out@2 hel", "out@5 lo\n"));
  EXPECT_THAT(ReadFrom(log_.FromTailLines(2, kBoth)),
              ElementsAre("out@2 hel", "err@0 x\n", "out@5 lo\n"));
}

TEST_F(OutputLogPlaceTest, CountsLinesOfTheWantedStreamsAlone) {
  Append(kOut, "a\nb\n");
  Append(kErr, "x\ny\n");
  Append(kOut, "c\n");
  const auto wanted = [&](uint64_t lines, const WantedStreams& streams) {
    return ReadFrom(log_.FromTailLines(lines, streams));
  };
  EXPECT_THAT(wanted(2, {true, false}), ElementsAre("out@2 b\n", "out@4 c\n"));
  EXPECT_THAT(wanted(1, {false, true}), ElementsAre("err@2 y\n"));
}

TEST_F(OutputLogPlaceTest, LinesThatAreNotKeptAnyMoreAreAGap) {
  for (int i = 0; i < 200; ++i) Append(kOut, absl::StrCat(1000000 + i, "\n"), absl::ZeroDuration());
  const uint64_t dropped = log_.Totals()[0].dropped_bytes;
  ASSERT_EQ(dropped, 200u * 8 - 1024);
  EXPECT_EQ(ReadFrom(log_.FromTailLines(128, kBoth))[0], absl::StrCat("gap out 0-", dropped));
  EXPECT_EQ(ReadFrom(log_.FromTailLines(127, kBoth))[0].substr(0, 12),
            absl::StrCat("out@", dropped + 8, " ", 1000073).substr(0, 12));
}

TEST_F(OutputLogPlaceTest, FindsLinesOverTheEndOfTheRing) {
  // One chunk, part of it at the ring's end and the rest at its beginning.
  Append(kOut, std::string(1000, 'a') + "\n");
  Append(kErr, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n");
  EXPECT_EQ(ReadFrom(log_.FromTailLines(16, kBoth))[0].substr(0, 9), "err@2 2\n3");
  EXPECT_EQ(ReadFrom(log_.FromTailLines(2, kBoth))[0], "err@36 16\n17\n");
  log_.Settle();
  EXPECT_EQ(ReadFrom(log_.FromTailLines(2, kBoth))[0], "err@36 16\n17\n");
}

TEST_F(OutputLogPlaceTest, AReaderOfTheLastLinesOwesOnlyThese) {
  Append(kOut, std::string(500, 'a') + "\n");
  Append(kErr, "x\n");
  OutputCursor cursor = log_.FromTailLines(1, kBoth);
  log_.Attach(&cursor);
  EXPECT_EQ(log_.Room(), 1024u - 2);
  log_.Detach(&cursor);
}

TEST_F(OutputLogPlaceTest, BeginsAtATime) {
  Append(kOut, "abc");
  const absl::Time second = now_ + absl::Seconds(1);
  Append(kErr, "xyz");
  Append(kOut, "def");
  const auto since = [&](absl::Time time) {
    return ReadFrom(log_.NotBefore(*log_.FromOffsets(0, 0), time));
  };
  EXPECT_THAT(since(absl::InfinitePast()), ElementsAre("out@0 abc", "err@0 xyz", "out@3 def"));
  EXPECT_THAT(since(second), ElementsAre("err@0 xyz", "out@3 def"));
  EXPECT_THAT(since(second + absl::Nanoseconds(1)), ElementsAre("out@3 def"));
  EXPECT_THAT(since(absl::InfiniteFuture()), IsEmpty());
  // The later of the two places.
  EXPECT_THAT(ReadFrom(log_.NotBefore(log_.FromTail(1), second)), ElementsAre("out@5 f"));
}

TEST_F(OutputLogPlaceTest, WhatWasDroppedIsAGapOnlyIfItMayBeAsLate) {
  Append(kOut, std::string(1000, 'a'));
  const absl::Time first = now_;
  Append(kOut, std::string(500, 'b'));
  const auto since = [&](absl::Time time) {
    return ReadFrom(log_.NotBefore(*log_.FromOffsets(0, 0), time));
  };
  EXPECT_EQ(since(first)[0], "gap out 0-476");
  // In two pieces, where the ring begins anew.
  EXPECT_THAT(since(first + absl::Seconds(1)),
              ElementsAre("out@1000 " + std::string(24, 'b'), "out@1024 " + std::string(476, 'b')));
}

// Every number of lines of random output, against a search byte by byte.
TEST(OutputLogLinesTest, FindsTheSameLinesAsASlowSearch) {
  std::mt19937 random(7);  // NOLINT: the same bytes each time
  for (int round = 0; round < 200; ++round) {
    OutputLog log(4096);
    log.OpenStream(kOut);
    log.OpenStream(kErr);
    struct Byte {
      OutputStream stream;
      uint64_t offset;
      bool newline;
    };
    std::vector<Byte> bytes;
    uint64_t totals[2] = {0, 0};
    for (int i = 0; i < 12; ++i) {
      const OutputStream stream = random() % 2 == 0 ? kOut : kErr;
      std::string data(1 + random() % 40, '.');
      for (char& c : data) {
        if (random() % 8 == 0) c = '\n';
        bytes.push_back({stream, totals[static_cast<int>(stream)]++, c == '\n'});
      }
      ASSERT_TRUE(log.Append(stream, data, absl::UnixEpoch() + absl::Seconds(i)).ok());
    }
    const WantedStreams wanted = {round % 3 != 1, round % 3 != 2};
    for (uint64_t lines = 0; lines < 60; ++lines) {
      uint64_t starts[2] = {totals[0], totals[1]};
      bool in_line[2] = {false, false}, over[2] = {!wanted[0], !wanted[1]};
      uint64_t left = lines;
      for (size_t i = bytes.size(); i-- > 0;) {
        const int stream = static_cast<int>(bytes[i].stream);
        if (over[stream]) continue;
        if (bytes[i].newline || bytes[i].offset + 1 == totals[stream]) {
          in_line[stream] = left > 0;
          if (left > 0) --left;
        }
        if (!in_line[stream]) {
          over[stream] = true;
          continue;
        }
        starts[stream] = bytes[i].offset;
      }
      const OutputCursor cursor = log.FromTailLines(lines, wanted);
      ASSERT_EQ(cursor.offset(kOut), starts[0]) << round << " " << lines;
      ASSERT_EQ(cursor.offset(kErr), starts[1]) << round << " " << lines;
    }
  }
}

}  // namespace
}  // namespace proctor
