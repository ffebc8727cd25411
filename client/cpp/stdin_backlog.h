#pragma once

#include <cstdint>
#include <deque>
#include <string>

namespace proctor::client {

// Bytes for the stdin of a process that were sent and not acknowledged, to send them again on
// another stream. Positions count from the start of the process.
//
// A server acknowledges what the process's pipe has taken. Until then gRPC lets only so much on its
// way, so this stays within a few MiB.
//
// Not thread-safe.
class StdinBacklog {
 public:
  void Append(std::string data) {
    if (!data.empty()) chunks_.push_back(std::move(data));
  }

  // The bytes before `position` were taken.
  void OnAcknowledged(uint64_t position) {
    while (!chunks_.empty() && begin_ < position) {
      std::string& chunk = chunks_.front();
      if (position - begin_ < chunk.size()) {
        chunk.erase(0, position - begin_);
        begin_ = position;
        return;
      }
      begin_ += chunk.size();
      chunks_.pop_front();
    }
    if (chunks_.empty()) begin_ = position;
  }

  // The position of the first byte here.
  uint64_t begin() const { return begin_; }
  const std::deque<std::string>& chunks() const { return chunks_; }

 private:
  uint64_t begin_ = 0;
  std::deque<std::string> chunks_;
};

}  // namespace proctor::client
