#include "proctor/client/event_stream.h"

#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <utility>

#include "proctor/client/stubs.h"

namespace proctor::client {

struct EventStream::Call {
  std::shared_ptr<const Stubs> stubs;
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReader<v1::WatchEventsResponse>> reader;
  v1::WatchEventsResponse response;
  bool finished = false;
};

EventStream::EventStream(std::shared_ptr<const Stubs> stubs, const v1::WatchEventsRequest& request)
    : call_(std::make_unique<Call>()) {
  call_->stubs = std::move(stubs);
  call_->reader = call_->stubs->events->WatchEvents(&call_->context, request);
}

EventStream::~EventStream() {
  if (call_->finished) return;
  Cancel();
  while (Next() != nullptr) {
  }
  (void)Finish();
}

const v1::WatchEventsResponse* EventStream::Next() {
  return call_->reader->Read(&call_->response) ? &call_->response : nullptr;
}

absl::Status EventStream::Finish() {
  call_->finished = true;
  return StatusFromGrpc(call_->reader->Finish());
}

void EventStream::Cancel() { call_->context.TryCancel(); }

}  // namespace proctor::client
