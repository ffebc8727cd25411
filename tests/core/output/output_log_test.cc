#include "core/output/output_log.h"

#include <gmock/gmock.h>

#include <string>

#include "proctor/error.h"
#include "tests/core/open_descriptors.h"
#include "tests/core/out_of_memory.h"
#include "tests/core/output/memory_limit.h"
#include "tests/core/output/output_log_fixture.h"

namespace proctor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SmallOutputLogTest : public OutputLogTest {
 protected:
  SmallOutputLogTest() : OutputLogTest(128) {}  // at most 2 chunks
};

TEST_F(OutputLogTest, KeepsTheOrderOfBothStreams) {
  OutputCursor cursor = log_.FromOldest();
  EXPECT_THAT(Read(cursor), IsEmpty());
  Append(kOut, "ab");
  Append(kErr, "x");
  EXPECT_THAT(Read(cursor), ElementsAre("out@0 ab", "err@0 x"));
  Append(kOut, "c");
  EXPECT_THAT(Read(cursor), ElementsAre("out@2 c"));
  EXPECT_EQ(cursor.offset(kOut), 3u);
  EXPECT_EQ(cursor.offset(kErr), 1u);
}

TEST_F(OutputLogTest, CutsChunksAtTheMostBytes) {
  Append(kOut, "abcde");
  OutputCursor cursor = log_.FromOldest();
  EXPECT_THAT(Read(cursor, 2), ElementsAre("out@0 ab", "out@2 cd", "out@4 e"));
}

TEST_F(OutputLogTest, TellsTheTimeOfEachChunk) {
  Append(kOut, "a");
  Append(kOut, "b");
  OutputCursor cursor = log_.FromOldest();
  auto first = log_.Next(cursor, 100);
  auto second = log_.Next(cursor, 100);
  EXPECT_EQ(std::get<OutputChunk>(*first).time, absl::UnixEpoch() + absl::Seconds(1));
  EXPECT_EQ(std::get<OutputChunk>(*second).time, absl::UnixEpoch() + absl::Seconds(2));
}

TEST_F(OutputLogTest, MergesWhatComesTogether) {
  Append(kOut, "a");
  Append(kOut, "b", absl::Milliseconds(4));
  OutputCursor cursor = log_.FromOldest();
  EXPECT_THAT(Read(cursor), ElementsAre("out@0 ab"));
  // A cursor at the end of a chunk that grows then stands within it.
  Append(kOut, "c", absl::Milliseconds(4));
  EXPECT_THAT(Read(cursor), ElementsAre("out@2 c"));
  Append(kOut, "d", absl::Milliseconds(4));  // 12 ms after the first
  EXPECT_THAT(ReadFrom(log_.FromOldest()), ElementsAre("out@0 abc", "out@3 d"));
  Append(kErr, "x", absl::ZeroDuration());
  Append(kOut, "e", absl::ZeroDuration());
  EXPECT_THAT(ReadFrom(log_.FromOldest()),
              ElementsAre("out@0 abc", "out@3 d", "err@0 x", "out@4 e"));
}

TEST_F(OutputLogTest, DoesNotMergeWhatComesBeforeByTheClock) {
  Append(kOut, "a");
  Append(kOut, "b", -absl::Milliseconds(1));
  EXPECT_THAT(ReadFrom(log_.FromOldest()), ElementsAre("out@0 a", "out@1 b"));
}

TEST(OutputLogMergeTest, ChunksGrowTo4KiB) {
  OutputLog log(64 << 10);
  const std::string block(1500, 'x');
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(log.Append(kOut, block, absl::UnixEpoch()).ok());
  OutputCursor cursor = log.FromOldest();
  EXPECT_EQ(std::get<OutputChunk>(*log.Next(cursor, 1 << 20)).data.size(), 3000u);
  EXPECT_EQ(std::get<OutputChunk>(*log.Next(cursor, 1 << 20)).data.size(), 1500u);
}

TEST_F(OutputLogTest, DropsTheOldestAndTellsTheGap) {
  OutputCursor cursor = log_.FromOldest();
  Append(kOut, std::string(600, 'a'));
  Append(kErr, std::string(600, 'b'));
  EXPECT_EQ(log_.retained_bytes(), 1024u);
  EXPECT_EQ(log_.Totals()[0].dropped_bytes, 176u);
  auto items = Read(cursor);
  ASSERT_GE(items.size(), 3u);
  EXPECT_EQ(items[0], "gap out 0-176");
  EXPECT_EQ(items[1], "out@176 " + std::string(424, 'a'));
  EXPECT_EQ(items[2].substr(0, 6), "err@0 ");
  // Who begins at the oldest misses nothing.
  EXPECT_EQ(ReadFrom(log_.FromOldest())[0], items[1]);
}

TEST_F(OutputLogTest, AReaderWithinWhatIsDroppedMissesTheRest) {
  OutputCursor cursor = log_.FromOldest();
  Append(kOut, std::string(100, 'a'));
  ASSERT_TRUE(log_.Next(cursor, 40).has_value());
  Append(kErr, std::string(974, 'b'));
  EXPECT_EQ(Read(cursor)[0], "gap out 40-50");
}

TEST_F(OutputLogTest, TakesMoreThanTheCapacityAtOnce) {
  Append(kErr, "x");
  std::string data;
  for (int i = 0; i < 2500; ++i) data += static_cast<char>('a' + i % 26);
  Append(kOut, data);
  std::string joined;
  OutputCursor cursor = log_.FromOldest();
  while (auto item = log_.Next(cursor, 100)) joined += std::get<OutputChunk>(*item).data;
  EXPECT_EQ(joined, data.substr(2500 - 1024));
  EXPECT_EQ(log_.Totals()[1].dropped_bytes, 1u);
}

TEST_F(SmallOutputLogTest, BoundsTheNumberOfChunks) {
  OutputCursor cursor = log_.FromOldest();
  Append(kOut, "a");
  Append(kErr, "b");
  Append(kOut, "c");
  Append(kErr, "d");
  EXPECT_EQ(log_.retained_bytes(), 2u);
  EXPECT_THAT(Read(cursor), ElementsAre("gap out 0-1", "gap err 0-1", "out@1 c", "err@1 d"));
}

TEST_F(SmallOutputLogTest, MergesAtAnyTimeWhereTheIndexIsFull) {
  Append(kErr, "x");
  Append(kOut, "a");
  Append(kOut, "b");
  Append(kOut, "c");
  EXPECT_THAT(ReadFrom(log_.FromOldest()), ElementsAre("err@0 x", "out@0 abc"));
}

TEST_F(SmallOutputLogTest, HasNoRoomWhileAFullIndexIsOwed) {
  OutputCursor cursor = log_.FromOldest();
  log_.Attach(&cursor);
  Append(kOut, "a");
  EXPECT_EQ(log_.Room(), 127u);
  Append(kErr, "b");
  EXPECT_EQ(log_.Room(), 0u);
  ASSERT_TRUE(log_.Next(cursor, 100).has_value());
  EXPECT_EQ(log_.Room(), 127u);
  Append(kOut, "c");
  EXPECT_EQ(log_.Room(), 0u);
  EXPECT_THAT(Read(cursor), ElementsAre("err@0 b", "out@1 c"));
  log_.Detach(&cursor);
}

TEST_F(OutputLogTest, RoomIsWhatAttachedReadersDoNotOwe) {
  EXPECT_EQ(log_.Room(), 1024u);
  OutputCursor fast = log_.FromOldest();
  OutputCursor slow = log_.FromOldest();
  log_.Attach(&fast);
  log_.Attach(&slow);
  Append(kOut, std::string(1000, 'a'));
  EXPECT_EQ(log_.Room(), 24u);
  Read(fast);
  EXPECT_EQ(log_.Room(), 24u);
  log_.Next(slow, 300);
  EXPECT_EQ(log_.Room(), 324u);
  log_.Detach(&slow);
  EXPECT_EQ(log_.Room(), 1024u);
  log_.Attach(&slow);
  Append(kOut, std::string(2000, 'b'));  // a writer that does not ask
  EXPECT_EQ(log_.Room(), 0u);
  Read(slow);
  Read(fast);
  EXPECT_EQ(log_.Room(), 1024u);
  log_.Detach(&slow);
  log_.Detach(&fast);
  log_.Detach(&fast);
}

// conformance 105
TEST_F(OutputLogTest, DataComesBeforeTheEndOfItsStream) {
  OutputCursor cursor = log_.FromOldest();
  Append(kOut, "a");
  log_.AppendEof(kOut);
  log_.AppendEof(kOut);
  Append(kErr, "b");
  EXPECT_THAT(Read(cursor), ElementsAre("out@0 a", "eof out 1", "err@0 b"));
  log_.AppendEof(kErr);
  EXPECT_THAT(Read(cursor), ElementsAre("eof err 1"));
  EXPECT_THAT(Read(cursor), IsEmpty());
}

// conformance 107
TEST_F(OutputLogTest, TheMarkStandsWhereItWasSet) {
  OutputCursor cursor = log_.FromOldest();
  Append(kOut, "a");
  log_.SetMark();
  Append(kOut, "b", absl::ZeroDuration());  // merged into one chunk, and yet cut
  log_.AppendEof(kOut);
  EXPECT_THAT(Read(cursor), ElementsAre("out@0 a", "mark", "out@1 b", "eof out 2"));
  log_.SetMark();
  EXPECT_THAT(Read(cursor), IsEmpty());
}

TEST_F(OutputLogTest, MarkAndEndsOfFileAtOnePlaceKeepTheirOrder) {
  Append(kOut, "a");
  log_.AppendEof(kErr);
  log_.SetMark();
  log_.AppendEof(kOut);
  EXPECT_THAT(ReadFrom(log_.FromOldest()),
              ElementsAre("out@0 a", "eof err 0", "mark", "eof out 1"));
}

TEST_F(OutputLogTest, AMarkWithoutOutputIsTold) {
  OutputCursor early = log_.FromOldest();
  log_.SetMark();
  EXPECT_THAT(Read(early), ElementsAre("mark"));
  EXPECT_THAT(ReadFrom(log_.FromEnd()), ElementsAre("mark"));
}

TEST_F(OutputLogTest, CountsTotals) {
  OutputLog log(1024);
  log.OpenStream(kErr);
  ASSERT_TRUE(log.Append(kErr, std::string(1030, 'x'), now_).ok());
  log.AppendEof(kErr);
  EXPECT_EQ(log.Totals()[0], (StreamTotals{false, 0, 0, false}));
  EXPECT_EQ(log.Totals()[1], (StreamTotals{true, 1030, 6, true}));
}

TEST_F(OutputLogTest, ReadsOnAfterSettling) {
  Append(kOut, std::string(1000, 'a'));
  Append(kErr, "xyz");
  Append(kOut, std::string(30, 'b'));  // wraps
  log_.AppendEof(kOut);
  OutputCursor cursor = log_.FromOldest();
  log_.Next(cursor, 100);
  log_.Settle();
  EXPECT_THAT(Read(cursor), ElementsAre("out@109 " + std::string(891, 'a'), "err@0 xyz",
                                        "out@1000 " + std::string(30, 'b'), "eof out 1030"));
  Append(kErr, "uvw");
  EXPECT_THAT(Read(cursor), ElementsAre("err@3 uvw"));
  EXPECT_THAT(ReadFrom(log_.FromTail(4)), ElementsAre("out@1029 b", "eof out 1030", "err@3 uvw"));
}

TEST_F(OutputLogTest, DropAllLeavesGapsAndEnds) {
  OutputCursor cursor = log_.FromOldest();
  Append(kOut, "abc");
  Append(kErr, "x");
  log_.AppendEof(kOut);
  log_.SetMark();
  log_.DropAll();
  EXPECT_EQ(log_.retained_bytes(), 0u);
  EXPECT_THAT(Read(cursor), ElementsAre("gap out 0-3", "gap err 0-1", "eof out 3", "mark"));
  EXPECT_THAT(ReadFrom(log_.FromOldest()), ElementsAre("eof out 3", "mark"));
  Append(kErr, "y");
  EXPECT_THAT(Read(cursor), ElementsAre("err@1 y"));
}

TEST_F(OutputLogTest, AGapAtTheEndIsToldWithoutAnythingAfterIt) {
  OutputCursor cursor = log_.FromOldest();
  Append(kOut, "abc");
  log_.DropAll();
  EXPECT_THAT(Read(cursor), ElementsAre("gap out 0-3"));
  EXPECT_THAT(Read(cursor), IsEmpty());
}

TEST_F(OutputLogTest, HoldsADescriptorFromTheFirstByteToSettling) {
  const auto before = OpenDescriptors();
  OutputLog log(4096);
  log.OpenStream(kOut);
  EXPECT_EQ(OpenDescriptors(), before);
  ASSERT_TRUE(log.Append(kOut, "a", now_).ok());
  EXPECT_EQ(OpenDescriptors().size(), before.size() + 1);
  log.Settle();
  EXPECT_EQ(OpenDescriptors(), before);
  ASSERT_TRUE(log.Append(kOut, "b", now_).ok());
  EXPECT_EQ(OpenDescriptors().size(), before.size() + 1);
  log.DropAll();
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(OutputLogTest, WithoutMemoryEverythingCountsAsDropped) {
  if (!CanRunOutOfMemory()) GTEST_SKIP() << "the sanitizer needs address space of its own";
  OutputCursor cursor = log_.FromOldest();
  Append(kErr, "kept");
  log_.SetCapacity(MemoryLimit::kTooMuch);
  absl::Status status;
  {
    const MemoryLimit limit;
    status = log_.Append(kOut, std::string(3000, 'x'), now_);
  }
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_EQ(log_.retained_bytes(), 0u);
  EXPECT_EQ(log_.Totals()[0], (StreamTotals{true, 3000, 3000, false}));
  Append(kOut, "again");
  EXPECT_THAT(Read(cursor), ElementsAre("gap out 0-3000", "gap err 0-4", "out@3000 again"));
}

TEST_F(OutputLogTest, DiesRatherThanGoOnAfterTheEndOfAStream) {
  log_.AppendEof(kOut);
  Append(kErr, "a");  // the other goes on
  EXPECT_DEATH(Append(kOut, "a"), "output_log.*broken invariant: .*after the end of a stream");
}

}  // namespace
}  // namespace proctor
