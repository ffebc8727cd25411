#pragma once

#include <memory>

#include "proctor/client/error.h"
#include "proctor/v1/event_service.pb.h"

namespace proctor::client {

struct Stubs;

// The events of a server, as they happen.
//
// One thread calls Next; any thread calls Cancel. Made by Client; outlives it.
//
// Order of calls: Next until it returns null, then Finish. Destroying cancels.
class EventStream {
 public:
  EventStream(std::shared_ptr<const Stubs> stubs, const v1::WatchEventsRequest& request);
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;
  ~EventStream();

  // The next response, valid until the next call; blocks. Null at the end of the stream.
  const v1::WatchEventsResponse* Next();

  // Why the stream ended. An end without an error is the server's good order.
  absl::Status Finish();

  void Cancel();

 private:
  struct Call;
  const std::unique_ptr<Call> call_;
};

}  // namespace proctor::client
