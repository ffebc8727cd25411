// An OutputLog that is handed to others, and made again.
#include <gmock/gmock.h>

#include <string>

#include "core/output/output_log.h"
#include "tests/core/output/output_log_fixture.h"

namespace proctor {
namespace {

using testing::ElementsAre;

std::vector<std::string> ReadAll(const OutputLog& log, OutputCursor cursor) {
  std::vector<std::string> items;
  while (auto item = log.Next(cursor, 1 << 20)) items.push_back(Words(*item));
  return items;
}

class OutputLogSnapshotTest : public OutputLogTest {
 protected:
  // What is read of the index and the bytes of a snapshot.
  static std::shared_ptr<const OutputLog> Again(const OutputLog& snapshot) {
    const std::string_view bytes = snapshot.SettledBytes();
    std::shared_ptr<char[]> copy(new char[bytes.size() + 1]);
    bytes.copy(copy.get(), bytes.size());
    auto restored = OutputLog::Restore(snapshot.MakeIndex(), std::move(copy), bytes.size());
    EXPECT_TRUE(restored.ok()) << restored.status();
    return restored.ok() ? *restored : nullptr;
  }
};

TEST_F(OutputLogSnapshotTest, TellsWhatTheLogTells) {
  Append(kOut, std::string(1020, 'a'));
  Append(kErr, "xyz");
  Append(kOut, "more\nlines\n");
  log_.AppendEof(kErr);
  log_.SetMark();
  Append(kOut, "late\n");
  log_.AppendEof(kOut);
  EXPECT_EQ(log_.Snapshot(), nullptr) << "a ring that may still change";
  log_.Settle();
  const auto snapshot = log_.Snapshot();
  ASSERT_NE(snapshot, nullptr);
  const auto again = Again(*snapshot);
  ASSERT_NE(again, nullptr);
  const auto expected = ReadFromOffsets(0, 0);
  EXPECT_EQ(expected[0], "gap out 0-" + std::to_string(log_.Totals()[0].dropped_bytes));
  for (const OutputLog* log : {snapshot.get(), again.get()}) {
    EXPECT_EQ(ReadAll(*log, *log->FromOffsets(0, 0)), expected);
    EXPECT_EQ(ReadAll(*log, log->FromTailLines(2, {true, true})),
              ReadFrom(log_.FromTailLines(2, {true, true})));
    EXPECT_EQ(ReadAll(*log, log->NotBefore(log->FromOldest(), now_)),
              ReadFrom(log_.NotBefore(log_.FromOldest(), now_)));
    EXPECT_EQ(log->Totals(), log_.Totals());
    EXPECT_FALSE(log->FromOffsets(1u << 20, 0).ok());
  }
}

TEST_F(OutputLogSnapshotTest, StaysAsItWas) {
  Append(kOut, "abcdef");
  log_.AppendEof(kOut);
  log_.Settle();
  const auto snapshot = log_.Snapshot();
  log_.SetCapacity(2);
  EXPECT_EQ(ReadAll(*snapshot, snapshot->FromOldest())[0], "out@0 abcdef");
  EXPECT_EQ(ReadAll(*log_.Snapshot(), log_.Snapshot()->FromOldest())[0], "out@4 ef");
  log_.DropAll();
  EXPECT_EQ(ReadAll(*snapshot, snapshot->FromOldest())[0], "out@0 abcdef");
}

TEST_F(OutputLogSnapshotTest, RefusesPartsThatDoNotFitTogether) {
  Append(kOut, "abc");
  Append(kErr, "xyz");
  log_.AppendEof(kOut);
  log_.Settle();
  const OutputIndex good = log_.Snapshot()->MakeIndex();
  const auto restore = [](const OutputIndex& index, uint64_t size) {
    return OutputLog::Restore(index, std::shared_ptr<char[]>(new char[8]()), size).status();
  };
  EXPECT_TRUE(restore(good, 6).ok());
  EXPECT_TRUE(absl::IsDataLoss(restore(good, 5)));
  EXPECT_TRUE(absl::IsDataLoss(restore(good, 7)));
  OutputIndex bad = good;
  bad.chunks[1].offset = 1;
  EXPECT_TRUE(absl::IsDataLoss(restore(bad, 6)));
  bad = good;
  bad.totals[0].total_bytes = 4;
  EXPECT_TRUE(absl::IsDataLoss(restore(bad, 6)));
  bad = good;
  bad.milestones[0].position = 7;
  EXPECT_TRUE(absl::IsDataLoss(restore(bad, 6)));
}

TEST(OutputLogOfNothingTest, TellsGapsAndEnds) {
  OutputTotals totals;
  totals[0] = {.piped = true, .total_bytes = 7, .dropped_bytes = 2, .eof = true};
  totals[1] = {.piped = true};
  const auto log = OutputLog::OfNothing(totals);
  EXPECT_THAT(ReadAll(*log, *log->FromOffsets(0, 0)),
              ElementsAre("gap out 0-7", "eof out 7", "mark"));
  EXPECT_THAT(ReadAll(*log, *log->FromOffsets(7, 0)), ElementsAre("eof out 7", "mark"));
}

}  // namespace
}  // namespace proctor
