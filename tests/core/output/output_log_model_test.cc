// OutputLog against a model that keeps everything: random writers and readers,
// of which each must be told the truth, the whole of it or where it has a gap.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <list>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/output/output_log.h"

namespace proctor {
namespace {

// What was written, and when the mark was set.
struct Truth {
  std::array<std::string, kOutputStreams> bytes;
  std::string order;  // the stream of each byte
  std::array<bool, kOutputStreams> eof = {};
  bool marked = false;
  std::array<uint64_t, kOutputStreams> at_mark = {};
  uint64_t time = 0;
};

// One reader, and what it has been told.
struct Reader {
  OutputCursor cursor;
  bool attached = false;
  std::array<uint64_t, kOutputStreams> expected = {};
  std::array<uint64_t, kOutputStreams> start = {};
  std::array<bool, kOutputStreams> eof = {};
  bool marked = false;
  bool from_start = false;  // from the first byte of all
  bool gap = false;
  std::string order;
};

class Model {
 public:
  Model(unsigned seed, uint64_t capacity, bool lossless)
      : random_(seed), capacity_(capacity), lossless_(lossless), log_(capacity) {
    log_.OpenStream(OutputStream::kStdout);
    log_.OpenStream(OutputStream::kStderr);
  }

  void Run(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFailure(); ++step) {
      switch (Below(12)) {
        case 0:
          if (readers_.size() < 6) AddReader();
          break;
        case 1:
          if (!lossless_ && !readers_.empty() && Below(3) == 0) readers_.pop_front();
          break;
        case 2:
          if (Below(20) == 0) log_.Settle();
          if (!lossless_ && Below(50) == 0) log_.DropAll();
          break;
        case 3:
        case 4:
        case 5:
        case 6:
        case 7:
          Write();
          break;
        default:
          ReadSome();
      }
      if (step == steps * 3 / 4) SetMark();
      if (step == steps * 7 / 8) End(Below(2));
      CheckTotals();
    }
    if (!truth_.marked) SetMark();
    End(0);
    End(1);
    for (Reader& reader : readers_) Drain(reader);
    for (Reader& reader : readers_) log_.Detach(&reader.cursor);
  }

 private:
  uint64_t Below(uint64_t end) {
    return std::uniform_int_distribution<uint64_t>(0, end - 1)(random_);
  }

  void Write() {
    const int stream = static_cast<int>(Below(2));
    if (truth_.eof[stream]) return;
    uint64_t most = Below(4) == 0 ? capacity_ * 3 / 2 : 40;
    if (lossless_) most = std::min(most, log_.Room());
    if (most == 0) return;
    std::string data(1 + Below(most), '\0');
    for (char& c : data) c = static_cast<char>(random_());
    truth_.bytes[stream] += data;
    truth_.order.append(data.size(), static_cast<char>('0' + stream));
    truth_.time += Below(2) * Below(20);
    auto status = log_.Append(static_cast<OutputStream>(stream), data,
                              absl::UnixEpoch() + absl::Milliseconds(truth_.time));
    ASSERT_TRUE(status.ok()) << status;
  }

  void SetMark() {
    truth_.marked = true;
    for (int i = 0; i < kOutputStreams; ++i) truth_.at_mark[i] = truth_.bytes[i].size();
    log_.SetMark();
  }

  void End(uint64_t stream) {
    truth_.eof[stream] = true;
    log_.AppendEof(static_cast<OutputStream>(stream));
  }

  void AddReader() {
    Reader& reader = readers_.emplace_back();
    const uint64_t total = truth_.order.size();
    switch (Below(3)) {
      case 0:
        reader.cursor = log_.FromOldest();
        break;
      case 1: {
        const uint64_t bytes = Below(capacity_ * 2);
        reader.cursor = log_.FromTail(bytes);
        const uint64_t rest = reader.cursor.offset(OutputStream::kStdout) +
                              reader.cursor.offset(OutputStream::kStderr);
        EXPECT_EQ(total - rest, std::min(bytes, log_.retained_bytes()));
        break;
      }
      default: {
        const uint64_t out = Below(truth_.bytes[0].size() + 1);
        const uint64_t err = Below(truth_.bytes[1].size() + 1);
        auto cursor = log_.FromOffsets(out, err);
        ASSERT_TRUE(cursor.ok()) << cursor.status();
        reader.cursor = *cursor;
        EXPECT_EQ(reader.cursor.offset(OutputStream::kStdout), out);
        EXPECT_EQ(reader.cursor.offset(OutputStream::kStderr), err);
        // What this reader is owed may be gone before anyone could hold it back.
        if (out < log_.Totals()[0].dropped_bytes || err < log_.Totals()[1].dropped_bytes) {
          reader.gap = true;
        }
      }
    }
    for (int i = 0; i < kOutputStreams; ++i) {
      reader.start[i] = reader.expected[i] = reader.cursor.offset(static_cast<OutputStream>(i));
    }
    reader.from_start = reader.expected[0] + reader.expected[1] == 0;
    if (lossless_) {
      log_.Attach(&reader.cursor);
      reader.attached = true;
    }
  }

  void ReadSome() {
    if (readers_.empty()) return;
    auto reader = std::next(readers_.begin(), static_cast<long>(Below(readers_.size())));
    for (uint64_t n = Below(8); n > 0; --n) ReadOne(*reader);
  }

  // Returns false when there is nothing.
  bool ReadOne(Reader& reader) {
    const bool has_next = log_.HasNext(reader.cursor);
    const size_t most = 1 + Below(Below(2) == 0 ? 8 : 2 * capacity_);
    auto item = log_.Next(reader.cursor, most);
    EXPECT_EQ(item.has_value(), has_next);
    if (!item.has_value()) {
      for (int i = 0; i < kOutputStreams; ++i) {
        EXPECT_EQ(reader.expected[i], truth_.bytes[i].size());
        EXPECT_EQ(reader.eof[i], truth_.eof[i]);
      }
      EXPECT_EQ(reader.marked, truth_.marked);
      return false;
    }
    std::visit([&](const auto& told) { Check(reader, told, most); }, *item);
    for (int i = 0; i < kOutputStreams; ++i) {
      EXPECT_EQ(reader.cursor.offset(static_cast<OutputStream>(i)), reader.expected[i]);
    }
    return !testing::Test::HasFailure();
  }

  void Check(Reader& reader, const OutputChunk& chunk, size_t most) {
    const int stream = static_cast<int>(chunk.stream);
    EXPECT_FALSE(reader.eof[stream]);
    EXPECT_EQ(chunk.offset, reader.expected[stream]);
    EXPECT_FALSE(chunk.data.empty());
    EXPECT_LE(chunk.data.size(), most);
    EXPECT_TRUE(truth_.bytes[stream].compare(chunk.offset, chunk.data.size(), chunk.data) == 0);
    reader.expected[stream] += chunk.data.size();
    reader.order.append(chunk.data.size(), static_cast<char>('0' + stream));
    if (truth_.marked && !reader.marked) {
      EXPECT_LE(reader.expected[stream], truth_.at_mark[stream]);
    }
    if (reader.from_start && !reader.gap) {
      EXPECT_TRUE(truth_.order.compare(0, reader.order.size(), reader.order) == 0);
    }
  }

  void Check(Reader& reader, const OutputGap& gap, size_t) {
    const int stream = static_cast<int>(gap.stream);
    EXPECT_FALSE(reader.eof[stream]);
    EXPECT_EQ(gap.from, reader.expected[stream]);
    EXPECT_GT(gap.to, gap.from);
    EXPECT_EQ(gap.to, log_.Totals()[stream].dropped_bytes);
    EXPECT_TRUE(!lossless_ || reader.gap) << "lost bytes of an attached reader";
    reader.gap = true;
    reader.expected[stream] = gap.to;
  }

  void Check(Reader& reader, const OutputEof& eof, size_t) {
    const int stream = static_cast<int>(eof.stream);
    EXPECT_TRUE(truth_.eof[stream]);
    EXPECT_FALSE(reader.eof[stream]);
    EXPECT_EQ(eof.total_bytes, truth_.bytes[stream].size());
    EXPECT_EQ(reader.expected[stream], eof.total_bytes);
    reader.eof[stream] = true;
  }

  void Check(Reader& reader, const OutputMark&, size_t) {
    EXPECT_TRUE(truth_.marked);
    EXPECT_FALSE(reader.marked);
    reader.marked = true;
    for (int i = 0; i < kOutputStreams; ++i) {
      EXPECT_GE(reader.expected[i], truth_.at_mark[i]);
      if (reader.gap) continue;
      EXPECT_LE(reader.expected[i], std::max(truth_.at_mark[i], reader.start[i]));
    }
  }

  void Drain(Reader& reader) {
    while (ReadOne(reader)) {
    }
    for (int i = 0; i < kOutputStreams; ++i) EXPECT_TRUE(reader.eof[i]);
    EXPECT_TRUE(reader.marked);
    EXPECT_TRUE(!reader.from_start || reader.gap || reader.order == truth_.order);
  }

  void CheckTotals() {
    OutputTotals totals = log_.Totals();
    uint64_t kept = 0;
    for (int i = 0; i < kOutputStreams; ++i) {
      EXPECT_EQ(totals[i].total_bytes, truth_.bytes[i].size());
      EXPECT_LE(totals[i].dropped_bytes, totals[i].total_bytes);
      kept += totals[i].total_bytes - totals[i].dropped_bytes;
    }
    EXPECT_EQ(kept, log_.retained_bytes());
    EXPECT_LE(kept, capacity_);
    EXPECT_LE(log_.Room(), capacity_);
  }

  std::mt19937 random_;
  const uint64_t capacity_;
  const bool lossless_;
  OutputLog log_;
  Truth truth_;
  std::list<Reader> readers_;
};

// PROCTOR_TEST_SEED repeats a run that failed.
unsigned FirstSeed() {
  const char* seed = std::getenv("PROCTOR_TEST_SEED");
  return seed != nullptr ? static_cast<unsigned>(std::strtoul(seed, nullptr, 10))
                         : std::random_device()();
}

class OutputLogModelTest : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Policies, OutputLogModelTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "BlockChild" : "DropOldest"; });

TEST_P(OutputLogModelTest, EveryReaderIsToldTheTruth) {
  const unsigned first = FirstSeed();
  for (unsigned seed = first; seed != first + 60; ++seed) {
    for (uint64_t capacity : {64, 200, 1024, 9000}) {
      SCOPED_TRACE(absl::StrCat("PROCTOR_TEST_SEED=", seed, " capacity ", capacity));
      Model(seed, capacity, GetParam()).Run(600);
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace proctor
