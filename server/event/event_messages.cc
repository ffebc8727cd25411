#include "server/event/event_messages.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include "server/wire/event.h"

namespace proctor::server {

grpc::ByteBuffer Serialize(const v1::WatchEventsResponse& message) {
  grpc::ByteBuffer bytes;
  bool owned = false;
  // Fails only for a message beyond the largest size.
  (void)grpc::SerializationTraits<v1::WatchEventsResponse>::Serialize(message, &bytes, &owned);
  return bytes;
}

grpc::ByteBuffer EventMessages::Of(const Event& event) {
  Message& kept = messages_[event.sequence % kMost];
  if (kept.sequence == event.sequence) return kept.bytes;
  v1::WatchEventsResponse message;
  *message.mutable_event() = wire::ToProto(event, log_id_);
  grpc::ByteBuffer bytes = Serialize(message);
  const size_t size = bytes.Length();
  if (kept.sequence != 0) bytes_ -= kept.bytes.Length();
  kept = {};
  if (bytes_ + size > kMostBytes) Clear();
  if (size > kMostBytes) return bytes;
  kept = {event.sequence, bytes};
  bytes_ += size;
  return bytes;
}

void EventMessages::Clear() {
  messages_.fill({});
  bytes_ = 0;
}

}  // namespace proctor::server
