#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <string>

namespace proctor::server {

// The RPC as an EventFeed needs it.
//
// Order of calls: one write at a time, which ends in EventFeed::OnWritten; Finish once, as the
// last call, and not while a write is in flight.
class EventTransport {
 public:
  virtual ~EventTransport() = default;
  // Sends `message`, a WatchEventsResponse, which does not change until the write ends. With
  // `more`, another one follows for certain, and this one may wait for it.
  virtual void StartWriting(const grpc::ByteBuffer& message, bool more) = 0;
  virtual void Finish(const grpc::Status& status) = 0;
  virtual const std::string& caller() const = 0;  // its name, for people
  // Makes the write in flight fail.
  virtual void Cancel() = 0;
};

}  // namespace proctor::server
