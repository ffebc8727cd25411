#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/output/output_log.h"

namespace proctor {

// What tests of OutputLog share: items in words, and a log with a clock.

inline constexpr OutputStream kOut = OutputStream::kStdout;
inline constexpr OutputStream kErr = OutputStream::kStderr;

// "out@0 abc", "gap err 0-3", "eof out 6", "mark".
inline std::string Words(const OutputItem& item) {
  auto name = [](OutputStream stream) { return stream == kOut ? "out" : "err"; };
  if (const auto* chunk = std::get_if<OutputChunk>(&item)) {
    return absl::StrCat(name(chunk->stream), "@", chunk->offset, " ", std::string(chunk->data));
  }
  if (const auto* gap = std::get_if<OutputGap>(&item)) {
    return absl::StrCat("gap ", name(gap->stream), " ", gap->from, "-", gap->to);
  }
  if (const auto* eof = std::get_if<OutputEof>(&item)) {
    return absl::StrCat("eof ", name(eof->stream), " ", eof->total_bytes);
  }
  return "mark";
}

// A log, and a clock that a test moves: each append comes a second after the one
// before, so that nothing is merged unless a test wants it.
class OutputLogTest : public testing::Test {
 protected:
  explicit OutputLogTest(uint64_t capacity = 1024) : log_(capacity) {
    log_.OpenStream(kOut);
    log_.OpenStream(kErr);
  }

  void Append(OutputStream stream, std::string_view data, absl::Duration later = absl::Seconds(1)) {
    now_ += later;
    auto status = log_.Append(stream, data, now_);
    EXPECT_TRUE(status.ok()) << status;
  }

  // Everything that the cursor is told now.
  std::vector<std::string> Read(OutputCursor& cursor, size_t most = 1 << 20) const {
    std::vector<std::string> items;
    while (true) {
      const bool has_next = log_.HasNext(cursor);
      auto item = log_.Next(cursor, most);
      EXPECT_EQ(item.has_value(), has_next);
      if (!item.has_value()) return items;
      items.push_back(Words(*item));
    }
  }
  std::vector<std::string> ReadFrom(OutputCursor cursor) const { return Read(cursor); }
  std::vector<std::string> ReadFromOffsets(uint64_t out, uint64_t err) const {
    auto cursor = log_.FromOffsets(out, err);
    EXPECT_TRUE(cursor.ok()) << cursor.status();
    return cursor.ok() ? ReadFrom(*cursor) : std::vector<std::string>();
  }

  OutputLog log_;
  absl::Time now_ = absl::UnixEpoch();
};

}  // namespace proctor
