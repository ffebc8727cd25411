#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "proctor/v1/process_service.pb.h"
#include "server/http/http_message.h"

namespace proctor::server::http {

// Turns the messages of one ReadOutput into frames, and knows after each the position of
// both streams, with which the viewer goes on if the connection is lost.
//
// When the viewer began before the end ("the last 4096 bytes"), the position of a stream is unknown
// until its first output: it lies somewhere in the backlog. Its lowest possible value stands for it
// until the bytes of the backlog have come. So nothing is missed; what comes twice is known by its
// offset.
//
// Thread-safety: none; the http thread. Lifetime: a part of its stream.
class OutputFrames {
 public:
  using Message = v1::ReadOutputResponse;

  explicit OutputFrames(const v1::OutputPosition& from);

  std::string Opening() const { return ""; }

  // Null for a message that viewers do not get.
  Frame Render(const Message& message);

  std::string Last(const absl::Status& status) const;

 private:
  struct Position {
    uint64_t offset = 0;
    uint64_t end_of_backlog = 0;
    bool seen = false;  // `offset` is exact
  };

  void OnStarted(const v1::Process& process);
  void Advance(v1::Stream stream, uint64_t begin, uint64_t end);
  std::string Id() const;

  const v1::OutputPosition from_;
  std::array<Position, 2> positions_;  // stdout, stderr
  uint64_t backlog_ = 0;               // bytes still to come of what was there at the start
};

}  // namespace proctor::server::http
