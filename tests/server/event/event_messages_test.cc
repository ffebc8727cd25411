#include "server/event/event_messages.h"

#include <grpcpp/impl/codegen/proto_utils.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/wire/event.h"

namespace proctor::server {
namespace {

Event MakeEvent(uint64_t sequence, size_t size = 1) {
  return {.sequence = sequence,
          .time = absl::FromUnixNanos(1700000000123456789),
          .session_id = "session",
          .process_id = absl::StrCat("process-", sequence),
          .labels = {{"a", std::string(size, 'x')}},
          .detail = ProcessOom{sequence}};
}

// Where the bytes are: the same for those that share them.
const void* PlaceOf(const grpc::ByteBuffer& message) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(message.Dump(&slices).ok());
  EXPECT_EQ(slices.size(), 1u);
  return slices.empty() ? nullptr : slices[0].begin();
}

v1::WatchEventsResponse Parse(grpc::ByteBuffer message) {
  v1::WatchEventsResponse parsed;
  EXPECT_TRUE(
      grpc::SerializationTraits<v1::WatchEventsResponse>::Deserialize(&message, &parsed).ok());
  return parsed;
}

void ExpectTells(const grpc::ByteBuffer& message, const Event& event) {
  EXPECT_EQ(Parse(message).event().SerializeAsString(),
            wire::ToProto(event, "log").SerializeAsString());
}

TEST(EventMessages, AllWhoWatchAnEventSendTheSameBytes) {
  EventMessages messages("log");
  const grpc::ByteBuffer first = messages.Of(MakeEvent(7));
  const grpc::ByteBuffer other = messages.Of(MakeEvent(8));
  const grpc::ByteBuffer second = messages.Of(MakeEvent(7));
  EXPECT_EQ(PlaceOf(first), PlaceOf(second));
  EXPECT_NE(PlaceOf(first), PlaceOf(other));
  ExpectTells(second, MakeEvent(7));
  ExpectTells(other, MakeEvent(8));
}

TEST(EventMessages, ALateReaderIsToldOfTheEventThatItAsksFor) {
  EventMessages messages("log");
  for (uint64_t sequence = 1; sequence <= 2000; ++sequence) messages.Of(MakeEvent(sequence));
  for (const uint64_t sequence : {1, 500, 1999, 2000}) {
    ExpectTells(messages.Of(MakeEvent(sequence)), MakeEvent(sequence));
  }
}

TEST(EventMessages, KeepOnlySoMuch) {
  EventMessages messages("log");
  size_t most = 0;
  for (uint64_t sequence = 1; sequence <= 1000; ++sequence) {
    const Event event = MakeEvent(sequence, 100000);
    ExpectTells(messages.Of(event), event);
    most = std::max(most, messages.bytes());
  }
  EXPECT_GT(most, size_t{2} << 20);
  EXPECT_LE(most, size_t{4} << 20);
  const Event large = MakeEvent(1001, size_t{5} << 20);
  ExpectTells(messages.Of(large), large);
  EXPECT_LE(messages.bytes(), size_t{4} << 20);
}

TEST(EventMessages, NothingIsKeptWhenNobodyWatches) {
  EventMessages messages("log");
  const grpc::ByteBuffer sent = messages.Of(MakeEvent(7));
  EXPECT_EQ(messages.bytes(), sent.Length());
  messages.Clear();
  EXPECT_EQ(messages.bytes(), 0u);
  ExpectTells(sent, MakeEvent(7));
  ExpectTells(messages.Of(MakeEvent(7)), MakeEvent(7));
}

}  // namespace
}  // namespace proctor::server
