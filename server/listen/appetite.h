#pragma once

#include <cstdint>

#include "absl/time/time.h"

namespace proctor::server {

// What a connection has sent and done since it began.
struct ConnectionUse {
  uint64_t bytes_read = 0;  // of what its peer sent
  uint64_t calls_begun = 0;
  uint64_t calls_ended = 0;  // well or not
  uint64_t calls_reset = 0;  // of these, by the peer, before they were answered
  uint64_t messages_received = 0;
  uint64_t messages_sent = 0;

  bool operator==(const ConnectionUse&) const = default;
};

// Tells a greedy connection, which sends much to no use, from one that is lawfully busy.
//
// gRPC (1.51) bounds only messages. It bounds neither a block of headers without end (512 MiB of
// CONTINUATION become 1 GiB of memory), nor calls that are begun and reset at once (20,000 take 419
// MiB). Between two messages a lawful caller sends
//
//   a part of a message for each open call      8 MiB each, and the connection 16 of them
//   headers                                     16 KiB for each call that it begins
//   acknowledgements of what it is sent         4 KiB for each message
//   pings and the like                          4 KiB a second
//   what gRPC has read and not looked at        4 MiB
//
// It resets no more than 2,000 calls at once, or 100 a second. It begins no more than as many
// without their first message: calls look so when they are reset before gRPC has come to them. A
// connection beyond either is greedy. No message can come within a block of headers, so no other
// call of the connection makes up for one.
//
// Thread-safety: none. Lifetime: a value.
class Appetite {
 public:
  enum class Verdict { kLawful, kBytes, kCalls };

  // Judges the connection's use, look by look in order. `now` is by any clock that never goes back.
  Verdict Judge(const ConnectionUse& use, absl::Duration now);

  // Whether the verdict may have changed since the last look, now that so many bytes came. gRPC may
  // still work for a while on what it read before.
  bool IsWorthALook(uint64_t bytes_received, absl::Duration now) const;

 private:
  ConnectionUse last_;
  absl::Duration last_change_ = -absl::InfiniteDuration();
  absl::Duration last_time_ = -absl::InfiniteDuration();  // before the first look
  double idle_bytes_ = 0;  // since the last message, but for what is allowed beside
  // But for those that time has forgiven.
  double resets_ = 0;
  double empty_calls_ = 0;  // that had no message
};

}  // namespace proctor::server
