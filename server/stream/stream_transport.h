#pragma once

#include <grpcpp/support/status.h>

#include "proctor/v1/process_service.pb.h"

namespace proctor::server {

// The RPC as a stream about a process needs it. Each call leads to one reaction later: StartWriting
// to OnWritten, ReadNext to OnInput or OnInputEnd.
//
// Order of calls: one write at a time; Finish or StartWritingLast once, and as the last of
// all; neither while a write is in flight. One read at a time.
class StreamTransport {
 public:
  virtual ~StreamTransport() = default;
  virtual v1::StreamMessage* outgoing() = 0;  // the message that StartWriting sends
  virtual void StartWriting() = 0;
  virtual void StartWritingLast() = 0;  // and ends the RPC with OK
  virtual void Finish(const grpc::Status& status) = 0;
  virtual void ReadNext() = 0;
};

}  // namespace proctor::server
