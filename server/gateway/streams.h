#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "server/gateway/call_set.h"
#include "server/gateway/event_frames.h"
#include "server/http/exchange.h"
#include "server/http/http_thread.h"
#include "server/http/query.h"

namespace grpc {
class Channel;
}

namespace proctor::server::http {

// What can be watched. Each answers with Server-Sent Events, made of the messages of one streaming
// call. Errors of the query are plain answers; those of the call are frames, because a browser's
// EventSource shows its page no others.
//
// Thread-safety: none; the http thread. Lifetime: as Resources; outlives its streams.
class Streams {
 public:
  using Answer = std::shared_ptr<Exchange>;

  Streams(HttpThread* thread, CallSet* calls, const std::shared_ptr<grpc::Channel>& channel);
  ~Streams();

  // `is_head`: only whether it would begin.
  void WatchEvents(Query query, std::string_view last_event_id, bool is_head, Answer answer);
  void ReadOutput(const std::string& process_id, Query query, std::string_view last_event_id,
                  bool is_head, Answer answer);

 private:
  struct Stubs;

  HttpThread* const thread_;
  CallSet* const calls_;
  const std::unique_ptr<Stubs> stubs_;
  EventFrameCache cache_;
};

}  // namespace proctor::server::http
