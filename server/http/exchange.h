#pragma once

#include <functional>

#include "server/http/frame_source.h"
#include "server/http/http_message.h"

namespace proctor::server::http {

// Takes the answer to one request. The handler calls Respond or Stream, once, after ReadBody when
// the body matters. Drops the answer when the caller is gone by then.
//
// Thread-safety: none; the http thread. Lifetime: shared by the connection and the handler that
// owes the answer.
class Exchange {
 public:
  virtual ~Exchange() = default;

  // The request has shown the token, so the connection may last. Before the answer. False at the
  // limit of such connections; the answer is then an error.
  virtual bool Keep() = 0;

  // Reads what the request has after its head, and hands it to `done`, once. The connection itself
  // answers a body that is too large, broken or late. It does not call `done` then, nor when the
  // caller has left.
  virtual void ReadBody(std::function<void(std::string)> done) = 0;

  virtual void Respond(Response response) = 0;

  // Ends the stream when `allowed` returns false, which is called before each frame and each
  // heartbeat. Call before Stream. Without it the stream lasts as long as its source.
  virtual void StreamWhile(std::function<bool()> allowed) = 0;

  // Begins `source` and answers with its frames, after `head.body`, until either end ends it.
  virtual void Stream(Response head, FrameSource* source) = 0;
};

}  // namespace proctor::server::http
