#pragma once

#include <functional>

#include "server/http/frame_source.h"
#include "server/http/http_message.h"

namespace proctor::server::http {

// Where the answer to one request goes: Respond or Stream is called, once, after ReadBody where the
// body matters. If the caller is gone by then, the answer is dropped.
//
// Thread-safety: none; the http thread. Lifetime: shared by the connection and the one
// who owes the answer.
class Exchange {
 public:
  virtual ~Exchange() = default;

  // The request has shown the token, so the connection may last. Before the answer. False where
  // as many as may be last already: an error is the answer then.
  virtual bool Keep() = 0;

  // Reads what the request has after its head, and hands it to `done`, once. A body that is too
  // large, is broken or does not come in time is answered by the connection; `done` is not called
  // then, nor where the caller has left.
  virtual void ReadBody(std::function<void(std::string)> done) = 0;

  virtual void Respond(Response response) = 0;

  // Before Stream: it ends when `allowed` says no, which is asked before each frame and each
  // heartbeat. Not called, it goes on for as long as its source.
  virtual void StreamWhile(std::function<bool()> allowed) = 0;

  // Answers with the frames of `source`, until either end ends it; `head.body` comes
  // first. The source is begun here.
  virtual void Stream(Response head, FrameSource* source) = 0;
};

}  // namespace proctor::server::http
