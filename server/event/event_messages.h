#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "core/fact/event.h"
#include "proctor/v1/event_service.pb.h"

namespace proctor::server {

// A message of WatchEvents as it is sent.
grpc::ByteBuffer Serialize(const v1::WatchEventsResponse& message);

// The messages of WatchEvents for single events, serialized. Each is made once: all streams that
// send it while it is kept share its bytes. Keeps the newest, up to a bound.
//
//     log ──▶ event 7 ──▶ Of(7): makes the bytes ──▶ stream A ─┐
//                         Of(7): has them ─────────▶ stream B ─┼─▶ one slice, counted references
//                         Of(7): has them ─────────▶ stream C ─┘
//
// Rejected: to keep the bytes beside each event in the log. They would stay as long as the event,
// long after the last stream has sent them.
//
// Thread-safety: none; the hub's thread. Lifetime: what Of returns outlives this.
class EventMessages {
 public:
  explicit EventMessages(std::string log_id) : log_id_(std::move(log_id)) {}

  // The message of an event of this log.
  grpc::ByteBuffer Of(const Event& event);

  // Drops all messages: no stream is left to send them.
  void Clear();

  // The memory that the messages take.
  size_t bytes() const { return bytes_; }

 private:
  static constexpr size_t kMost = 256;           // so many
  static constexpr size_t kMostBytes = 4 << 20;  // and so large together

  struct Message {
    uint64_t sequence = 0;  // 0: none
    grpc::ByteBuffer bytes;
  };

  const std::string log_id_;
  std::array<Message, kMost> messages_;  // by sequence, modulo their number
  size_t bytes_ = 0;
};

}  // namespace proctor::server
