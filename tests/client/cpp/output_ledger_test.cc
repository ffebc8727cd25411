#include "client/cpp/output_ledger.h"

#include <gtest/gtest.h>

#include "tests/client/messages.h"

namespace proctor::client {
namespace {

using testing::Drained;
using testing::Gap;
using testing::Stderr;
using testing::Stdout;

TEST(OutputLedgerTest, AcceptsWhatAddsUp) {
  OutputLedger ledger(v1::StreamOffsets{});
  ledger.OnOutput(Stdout(0, "abc").output());
  ledger.OnOutput(Stderr(0, "x").output());
  ledger.OnGap(Gap(v1::STREAM_STDOUT, 3, 10).output_gap());
  ledger.OnOutput(Stdout(10, "de").output());
  ledger.OnDrained(Drained(12, 1).output_drained());
  EXPECT_TRUE(ledger.discrepancies().empty());
}

TEST(OutputLedgerTest, MissesBytesInTheMiddle) {
  OutputLedger ledger(v1::StreamOffsets{});
  ledger.OnOutput(Stdout(0, "abc").output());
  ledger.OnOutput(Stdout(5, "f").output());
  ASSERT_EQ(ledger.discrepancies().size(), 1u);
  EXPECT_EQ(ledger.discrepancies()[0], "bytes 3 to 5 of stdout never came");
}

TEST(OutputLedgerTest, MissesBytesAtTheEnd) {
  OutputLedger ledger(v1::StreamOffsets{});
  ledger.OnOutput(Stdout(0, "abc").output());
  ledger.OnDrained(Drained(4, 0).output_drained());
  ASSERT_EQ(ledger.discrepancies().size(), 1u);
  EXPECT_EQ(ledger.discrepancies()[0], "stdout has 4 bytes, but 3 are accounted for");
}

TEST(OutputLedgerTest, MissesAWholeStream) {
  OutputLedger ledger(v1::StreamOffsets{});
  ledger.OnDrained(Drained(0, 7).output_drained());
  EXPECT_EQ(ledger.discrepancies().size(), 1u);
}

TEST(OutputLedgerTest, SeesDoubledBytes) {
  OutputLedger ledger(v1::StreamOffsets{});
  ledger.OnOutput(Stdout(0, "abc").output());
  ledger.OnOutput(Stdout(0, "abc").output());
  ASSERT_EQ(ledger.discrepancies().size(), 1u);
  EXPECT_EQ(ledger.discrepancies()[0], "bytes 0 to 3 of stdout came twice");
}

TEST(OutputLedgerTest, SeesBytesOfAStreamWithoutTotals) {
  OutputLedger ledger(v1::StreamOffsets{});
  ledger.OnOutput(Stderr(0, "abc").output());
  v1::OutputDrained drained = Drained(0, 3).output_drained();
  drained.mutable_output()->RemoveLast();
  ledger.OnDrained(drained);
  EXPECT_EQ(ledger.discrepancies().size(), 1u);
}

TEST(OutputLedgerTest, BeginsWhereAnUnknownStartBegins) {
  OutputLedger ledger(std::nullopt);
  ledger.OnOutput(Stdout(100, "abc").output());
  ledger.OnDrained(Drained(103, 55).output_drained());
  EXPECT_TRUE(ledger.discrepancies().empty());
}

TEST(OutputLedgerTest, SaysAWrongEofOnce) {
  OutputLedger ledger(v1::StreamOffsets{});
  v1::StreamEof eof;
  eof.set_stream(v1::STREAM_STDOUT);
  eof.set_total_bytes(9);
  ledger.OnEof(eof);
  ledger.OnDrained(Drained(9, 0).output_drained());
  EXPECT_EQ(ledger.discrepancies().size(), 1u);
}

}  // namespace
}  // namespace proctor::client
