#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/output/output_log.h"

namespace proctor {

// An output that is complete, of both streams in turn.
inline std::shared_ptr<const OutputLog> MakeOutput(const std::vector<std::string>& pieces,
                                                   uint64_t capacity = 1 << 20) {
  OutputLog log(capacity);
  absl::Time time = absl::FromUnixSeconds(1700000000) + absl::Nanoseconds(7);
  for (int i = 0; i < kOutputStreams; ++i) log.OpenStream(static_cast<OutputStream>(i));
  int stream = 0;
  for (const std::string& piece : pieces) {
    EXPECT_TRUE(log.Append(static_cast<OutputStream>(stream++ % 2), piece, time).ok());
    time += absl::Seconds(1);
  }
  log.AppendEof(OutputStream::kStdout);
  log.SetMark();
  log.AppendEof(OutputStream::kStderr);
  log.Settle();
  return log.Snapshot();
}

// All of its bytes of stdout and stderr, and nothing left out.
inline std::pair<std::string, std::string> BytesOf(const OutputLog& log) {
  std::pair<std::string, std::string> bytes;
  OutputCursor cursor = log.FromOldest();
  while (auto item = log.Next(cursor, 1 << 20)) {
    if (const auto* chunk = std::get_if<OutputChunk>(&*item)) {
      (chunk->stream == OutputStream::kStdout ? bytes.first : bytes.second) += chunk->data;
    }
  }
  return bytes;
}

}  // namespace proctor
