#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>

#include "absl/time/time.h"

namespace proctor::server {

// Why a connection was refused, or had to go.
enum class Refusal {
  kConnections,        // its listener has its most
  kConnectionsOfPeer,  // its peer has its most there
  kDescriptors,        // the rest of them is reserved
  kNoToken,            // HTTP: it had shown no token, and others came
  kBytesWithoutUse,    // it sent much that was no message (appetite.h)
  kCallsWithoutUse,    // it began calls without a message, or to reset them
};
inline constexpr int kRefusals = 6;

// As labels and in the log: "MAX_CONNECTIONS" and so on.
const char* RefusalName(Refusal refusal);

// Counts the connections that one listener has accepted and refused, for metrics and the log.
//
// Thread-safety: SetOpen and Refuse by one thread; the rest from any thread.
class ListenerLoad {
 public:
  explicit ListenerLoad(std::string name) : name_(std::move(name)) {}
  ListenerLoad(const ListenerLoad&) = delete;
  ListenerLoad& operator=(const ListenerLoad&) = delete;

  void SetOpen(size_t connections) { open_.store(connections, std::memory_order_relaxed); }

  // Counts a refusal. Logs a line at first, and then at most one every ten seconds, with the count
  // of those left out. `now` is by any clock that never goes back.
  void Refuse(Refusal refusal, const std::string& peer, absl::Duration now);

  const std::string& name() const { return name_; }
  uint64_t open() const { return open_.load(std::memory_order_relaxed); }
  // By RefusalName; each is there from the start.
  std::map<std::string, uint64_t> refused() const;

 private:
  const std::string name_;
  std::atomic<uint64_t> open_{0};
  std::atomic<uint64_t> refused_[kRefusals] = {};
  absl::Duration next_line_ = -absl::InfiniteDuration();
  uint64_t untold_ = 0;
};

}  // namespace proctor::server
