#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proctor/v1/process_service.pb.h"
#include "server/stream/stream_transport.h"

namespace proctor::server {

// The transport of a stream in the hands of a test: a write ends when the test says so. It
// fails the test where the stream breaks an order of calls that gRPC demands.
//
// Thread-safety: none. Lifetime: outlives the stream.
class FakeStreamTransport final : public StreamTransport {
 public:
  // Called after each call of the stream's, from within it.
  void SetListener(std::function<void()> listener) { listener_ = std::move(listener); }

  v1::StreamMessage* outgoing() override {
    EXPECT_FALSE(writing_) << "a message is changed while it is written";
    return &message_;
  }
  void StartWriting() override {
    EXPECT_FALSE(writing_) << "a second write in flight";
    EXPECT_FALSE(ended()) << "a write after the end";
    writing_ = true;
    sent_.push_back(message_);
    Tell();
  }
  void StartWritingLast() override {
    StartWriting();
    EXPECT_FALSE(ended()) << "a second end";
    status_ = grpc::Status::OK;
  }
  void Finish(const grpc::Status& status) override {
    EXPECT_FALSE(writing_) << "Finish beside a write";
    EXPECT_FALSE(ended()) << "a second end";
    status_ = status;
    Tell();
  }
  void ReadNext() override {
    EXPECT_FALSE(reading_) << "a second read";
    EXPECT_FALSE(ended()) << "a read after the end";
    reading_ = true;
    Tell();
  }

  bool writing() const { return writing_; }
  bool reading() const { return reading_; }
  bool ended() const { return status_.has_value(); }
  const grpc::Status& status() const { return *status_; }
  const std::vector<v1::StreamMessage>& sent() const { return sent_; }

  // The write or the read is over: the reaction comes next.
  void EndWrite() {
    EXPECT_TRUE(writing_);
    writing_ = false;
  }
  void EndRead() {
    EXPECT_TRUE(reading_);
    reading_ = false;
  }

  // The kinds of what was sent, each once where it is repeated: "started output exited".
  std::string Kinds() const {
    std::string kinds, last;
    for (const v1::StreamMessage& message : sent_) {
      const std::string kind = KindOf(message);
      if (kind != last) absl::StrAppend(&kinds, kinds.empty() ? "" : " ", kind);
      last = kind;
    }
    return kinds;
  }
  size_t Count(v1::StreamMessage::MessageCase kind) const {
    size_t count = 0;
    for (const v1::StreamMessage& message : sent_) count += message.message_case() == kind;
    return count;
  }
  std::string Output(v1::Stream stream = v1::STREAM_STDOUT) const {
    std::string text;
    for (const v1::StreamMessage& message : sent_) {
      if (message.has_output() && message.output().stream() == stream) {
        text += message.output().data();
      }
    }
    return text;
  }

  static std::string KindOf(const v1::StreamMessage& message) {
    const auto* field = v1::StreamMessage::descriptor()->FindFieldByNumber(message.message_case());
    return field == nullptr ? "nothing" : field->name();
  }

 private:
  void Tell() {
    if (listener_) listener_();
  }

  std::function<void()> listener_;
  v1::StreamMessage message_;
  std::vector<v1::StreamMessage> sent_;
  bool writing_ = false;
  bool reading_ = false;
  std::optional<grpc::Status> status_;
};

}  // namespace proctor::server
