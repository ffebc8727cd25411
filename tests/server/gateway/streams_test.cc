#include "server/gateway/streams.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/server/gateway/gateway_fixture.h"

namespace proctor::server::http {
namespace {

using proctor::testing::HttpClient;
using proctor::testing::MakeGrpcError;
using ::testing::HasSubstr;
using ::testing::StartsWith;

v1::WatchEventsResponse MakeBookmark(uint64_t sequence) {
  v1::WatchEventsResponse message;
  message.mutable_bookmark()->mutable_position()->set_log_id("L");
  message.mutable_bookmark()->mutable_position()->set_sequence(sequence);
  return message;
}

v1::WatchEventsResponse MakeEventMessage(uint64_t sequence) {
  v1::WatchEventsResponse message;
  v1::Event* event = message.mutable_event();
  event->set_log_id("L");
  event->set_sequence(sequence);
  event->set_type(v1::EVENT_TYPE_PROCESS_OOM);
  event->set_process_id("p");
  return message;
}

v1::ReadOutputResponse MakeOutput(uint64_t offset, const std::string& data) {
  v1::ReadOutputResponse response;
  v1::Output* output = response.mutable_message()->mutable_output();
  output->set_stream(v1::STREAM_STDOUT);
  output->set_offset(offset);
  output->set_data(data);
  return response;
}

class StreamsTest : public proctor::testing::GatewayTest {};

TEST_F(StreamsTest, ShowEventsAsTheyCome) {
  auto client = Watch("/v1/events?snapshot=true&type=PROCESS_OOM&label.a=b");
  EXPECT_EQ(client->ReadFrame().retry, "1000");
  auto stream = services_.events.Next();
  ASSERT_NE(stream, nullptr);
  EXPECT_TRUE(stream->request().include_snapshot());
  EXPECT_EQ(stream->request().filter().types(0), v1::EVENT_TYPE_PROCESS_OOM);
  EXPECT_EQ(stream->request().filter().labels().at("a"), "b");

  v1::WatchEventsResponse item;
  item.mutable_snapshot()->add_items()->mutable_process()->set_process_id("p");
  ASSERT_TRUE(stream->Write(item));
  HttpClient::Frame frame = client->ReadFrame();
  EXPECT_EQ(frame.event, "snapshot");
  EXPECT_EQ(frame.id, "");
  EXPECT_THAT(frame.data, StartsWith("{\"items\":[{\"process\":{\"process_id\":\"p\""));

  ASSERT_TRUE(stream->Write(MakeBookmark(17)));
  frame = client->ReadFrame();
  EXPECT_EQ(frame.event, "bookmark");
  EXPECT_EQ(frame.id, "L:17");

  ASSERT_TRUE(stream->Write(MakeEventMessage(18)));
  frame = client->ReadFrame();
  EXPECT_EQ(frame.event, "");
  EXPECT_EQ(frame.id, "L:18");
  EXPECT_THAT(frame.data, HasSubstr("\"type\":\"EVENT_TYPE_PROCESS_OOM\""));
}

TEST_F(StreamsTest, GoOnAfterTheLastEventThatWasSeen) {
  auto client = Watch("/v1/events?snapshot=true", {"Last-Event-ID: L:17"});
  auto stream = services_.events.Next();
  ASSERT_NE(stream, nullptr);
  EXPECT_FALSE(stream->request().include_snapshot());
  EXPECT_EQ(stream->request().resume_after().log_id(), "L");
  EXPECT_EQ(stream->request().resume_after().sequence(), 17u);
}

TEST_F(StreamsTest, ShowCloudEvents) {
  auto client = Watch("/v1/events?format=cloudevents");
  EXPECT_EQ(client->ReadFrame().retry, "1000");
  auto stream = services_.events.Next();
  ASSERT_NE(stream, nullptr);
  ASSERT_TRUE(stream->Write(MakeEventMessage(1)));
  EXPECT_THAT(client->ReadFrame().data, StartsWith("{\"specversion\":\"1.0\",\"id\":\"L:1\""));
}

TEST_F(StreamsTest, EndWithTheReason) {
  using Code = grpc::StatusCode;
  const std::tuple<Code, const char*, const char*> expected[] = {
      {Code::OUT_OF_RANGE, "EVENTS_EXPIRED", "expired"},
      {Code::ABORTED, "LOG_CHANGED", "log_changed"},
      {Code::INVALID_ARGUMENT, "POSITION_IN_FUTURE", "future"},
      {Code::UNAVAILABLE, "SERVER_DRAINING", "end"},
      {Code::INTERNAL, "OTHER", "error"},
  };
  for (const auto& [code, reason, name] : expected) {
    auto client = Watch("/v1/events?after=L:1");
    client->ReadFrame();
    auto stream = services_.events.Next();
    ASSERT_NE(stream, nullptr);
    stream->End(MakeGrpcError(code, reason, "m", {{"first", "9"}}));
    const HttpClient::Frame frame = client->ReadFrame();
    EXPECT_EQ(frame.event, name);
    EXPECT_THAT(frame.data, HasSubstr(std::string("\"reason\":\"") + reason + "\""));
    EXPECT_THAT(frame.data, HasSubstr("\"metadata\":{\"first\":\"9\"}"));
    EXPECT_TRUE(client->AtEnd());
  }
}

TEST_F(StreamsTest, TellAllThatCameBeforeTheEnd) {
  auto client = Watch("/v1/events");
  client->ReadFrame();
  auto stream = services_.events.Next();
  ASSERT_NE(stream, nullptr);
  for (uint64_t i = 1; i <= 100; ++i) ASSERT_TRUE(stream->Write(MakeEventMessage(i)));
  stream->End(MakeGrpcError(grpc::StatusCode::UNAVAILABLE, "SERVER_DRAINING", "over"));
  for (uint64_t i = 1; i <= 100; ++i) ASSERT_EQ(client->ReadFrame().id, "L:" + std::to_string(i));
  EXPECT_EQ(client->ReadFrame().event, "end");
}

// The service's way to be rid of who is too slow: the viewer is to come again.
TEST_F(StreamsTest, EndWithoutAWordWhenTheServiceGivesUp) {
  auto client = Watch("/v1/events");
  client->ReadFrame();
  auto stream = services_.events.Next();
  ASSERT_NE(stream, nullptr);
  stream->End(grpc::Status::CANCELLED);
  EXPECT_TRUE(client->AtEnd());
}

TEST_F(StreamsTest, ShowOutput) {
  auto client = Watch("/v1/processes/p/output?tail_bytes=10&follow=false");
  auto stream = services_.output.Next();
  ASSERT_NE(stream, nullptr);
  EXPECT_EQ(stream->request().process_id(), "p");
  EXPECT_EQ(stream->request().from().tail_bytes(), 10u);
  EXPECT_FALSE(stream->request().follow());
  ASSERT_TRUE(stream->Write(MakeOutput(5, "abc")));
  const HttpClient::Frame frame = client->ReadFrame();
  EXPECT_EQ(frame.event, "output");
  EXPECT_EQ(frame.id, "8:0");
  EXPECT_THAT(frame.data, HasSubstr("\"data\":\"YWJj\""));
  stream->End(grpc::Status::OK);
  const HttpClient::Frame last = client->ReadFrame();
  EXPECT_EQ(last.event, "end");
  EXPECT_EQ(last.data, "{}");
  EXPECT_TRUE(client->AtEnd());
}

TEST_F(StreamsTest, TellAnErrorOfOutput) {
  auto client = Watch("/v1/processes/p/output");
  auto stream = services_.output.Next();
  ASSERT_NE(stream, nullptr);
  EXPECT_TRUE(stream->request().follow());
  stream->End(MakeGrpcError(grpc::StatusCode::NOT_FOUND, "PROCESS_NOT_FOUND", "no process 'p'"));
  const HttpClient::Frame frame = client->ReadFrame();
  EXPECT_EQ(frame.event, "error");
  EXPECT_THAT(frame.data, HasSubstr("PROCESS_NOT_FOUND"));
}

TEST_F(StreamsTest, SayThatTheyLiveWhenNothingHappens) {
  options_.limits.heartbeat = absl::Milliseconds(1);
  auto client = Watch("/v1/events");
  client->ReadFrame();
  auto stream = services_.events.Next();
  ASSERT_NE(stream, nullptr);
  for (int i = 0; i < 3; ++i) {
    const HttpClient::Frame frame = client->ReadFrame();
    EXPECT_EQ(frame.event, "heartbeat");
    EXPECT_THAT(frame.data, StartsWith("{\"time\":\"20"));
  }
  // Among them nothing is lost, and all keeps its order.
  std::thread writer([&stream] {
    for (uint64_t i = 1; i <= 200; ++i) EXPECT_TRUE(stream->Write(MakeEventMessage(i)));
  });
  for (uint64_t i = 1; i <= 200;) {
    const HttpClient::Frame frame = client->ReadFrame();
    if (frame.event == "heartbeat") continue;
    ASSERT_EQ(frame.id, "L:" + std::to_string(i++));
  }
  writer.join();
}

TEST_F(StreamsTest, CancelTheCallOfAViewerThatLeft) {
  auto client = Watch("/v1/events");
  auto stream = services_.events.Next();
  ASSERT_NE(stream, nullptr);
  client->Close();
  EXPECT_TRUE(stream->AwaitCancelled());
}

TEST_F(StreamsTest, HoldTheServiceBackForASlowViewer) {
  options_.limits.stall = absl::Milliseconds(200);
  auto client = Watch("/v1/processes/p/output", {}, /*receive_buffer=*/4096);
  auto stream = services_.output.Next();
  ASSERT_NE(stream, nullptr);
  // Far more than all the buffers between the two.
  constexpr size_t kMessages = 2000;
  const std::string data(128 * 1024, 'x');
  size_t written = 0;
  while (written < kMessages && stream->Write(MakeOutput(written * data.size(), data))) ++written;
  EXPECT_LT(written, kMessages / 10);
  // Who takes nothing at all is given up, in the end.
  EXPECT_TRUE(stream->AwaitCancelled());
}

TEST_F(StreamsTest, GiveASlowViewerAllThatThereIs) {
  auto client = Watch("/v1/processes/p/output", {}, /*receive_buffer=*/4096);
  auto stream = services_.output.Next();
  ASSERT_NE(stream, nullptr);
  constexpr size_t kMessages = 64;
  const std::string data(64 * 1024, 'x');
  std::thread writer([&] {
    for (size_t i = 0; i < kMessages; ++i) {
      EXPECT_TRUE(stream->Write(MakeOutput(i * data.size(), data)));
    }
    stream->End(grpc::Status::OK);
  });
  for (size_t i = 1; i <= kMessages; ++i) {
    const HttpClient::Frame frame = client->ReadFrame();
    ASSERT_EQ(frame.id, std::to_string(i * data.size()) + ":0");
  }
  EXPECT_EQ(client->ReadFrame().event, "end");
  writer.join();
}

TEST_F(StreamsTest, ServeManyViewersAtOnce) {
  constexpr int kViewers = 100;
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < kViewers; ++i) clients.push_back(Watch("/v1/events"));
  for (int i = 0; i < kViewers; ++i) {
    auto stream = services_.events.Next();
    ASSERT_NE(stream, nullptr);
    ASSERT_TRUE(stream->Write(MakeEventMessage(1)));
  }
  for (auto& client : clients) {
    EXPECT_EQ(client->ReadFrame().retry, "1000");
    EXPECT_EQ(client->ReadFrame().id, "L:1");
  }
}

TEST_F(StreamsTest, HaveTimeForTheirLastWordsAtTheEnd) {
  options_.limits.last_words = absl::Seconds(30);  // more than the test waits
  auto client = Watch("/v1/events");
  client->ReadFrame();
  auto stream = services_.events.Next();
  ASSERT_NE(stream, nullptr);
  std::thread stopper([this] { server_->Stop(); });
  ASSERT_TRUE(stream->Write(MakeEventMessage(1)));
  stream->End(MakeGrpcError(grpc::StatusCode::UNAVAILABLE, "SERVER_DRAINING", "over"));
  EXPECT_EQ(client->ReadFrame().id, "L:1");
  EXPECT_EQ(client->ReadFrame().event, "end");
  EXPECT_TRUE(client->AtEnd());
  client->Close();
  stopper.join();
}

TEST_F(StreamsTest, AreEndedWhenTheServicesDoNot) {
  options_.limits.last_words = absl::Milliseconds(1);
  auto events = Watch("/v1/events");
  events->ReadFrame();
  auto output = Watch("/v1/processes/p/output");
  auto first = services_.events.Next();
  auto second = services_.output.Next();
  ASSERT_TRUE(first != nullptr && second != nullptr);
  std::thread stopper([this] { server_->Stop(); });
  const HttpClient::Frame frame = events->ReadFrame();
  EXPECT_EQ(frame.event, "end");
  EXPECT_THAT(frame.data, HasSubstr("SERVER_DRAINING"));
  EXPECT_EQ(output->ReadFrame().event, "error");
  EXPECT_TRUE(first->AwaitCancelled());
  EXPECT_TRUE(second->AwaitCancelled());
  stopper.join();  // though neither viewer has closed its end
}

TEST_F(StreamsTest, DoNotHoldTheEndUpByASlowViewer) {
  options_.limits.last_words = absl::Milliseconds(1);
  auto client = Watch("/v1/processes/p/output", {}, /*receive_buffer=*/4096);
  auto stream = services_.output.Next();
  ASSERT_NE(stream, nullptr);
  const std::string data(8 << 20, 'x');  // more than fits between the two
  std::thread writer([&] { (void)stream->Write(MakeOutput(0, data.substr(0, 3 << 20))); });
  server_->Stop();
  writer.join();
  EXPECT_TRUE(stream->AwaitCancelled());
}

}  // namespace
}  // namespace proctor::server::http
