#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/gateway/wire_requests.h"
#include "server/http/http_message.h"

namespace proctor::server::http {

// The frames of the newest events, so that an event is rendered once for all viewers. A table with
// one slot for each event; an event replaces the older one in its slot.
//
// Thread-safety: none; the http thread. Lifetime: outlives the streams that use it.
class EventFrameCache {
 public:
  explicit EventFrameCache(size_t size = 1024) : places_(size) {}

  Frame Get(const v1::Event& event, EventFormat format);

  uint64_t rendered() const { return rendered_; }

 private:
  struct Place {
    std::string log_id;
    uint64_t sequence = 0;  // 0: empty
    std::array<Frame, 2> frames;
  };

  std::vector<Place> places_;
  uint64_t rendered_ = 0;
};

// Turns the messages of one WatchEvents into frames.
//
// Thread-safety: none; the http thread. Lifetime: a part of its stream.
class EventFrames {
 public:
  using Message = v1::WatchEventsResponse;

  EventFrames(EventFormat format, EventFrameCache* cache) : format_(format), cache_(cache) {}

  // The text that a viewer gets first.
  std::string Opening() const;

  // Null for a message that this version does not know.
  Frame Render(const Message& message);

  // The text that a viewer gets last, by how the call ended.
  std::string Last(const absl::Status& status) const;

 private:
  const EventFormat format_;
  EventFrameCache* const cache_;
};

// An event as CloudEvents 1.0 has it in JSON (https://github.com/cloudevents/spec).
std::string CloudEventJson(const v1::Event& event);

}  // namespace proctor::server::http
