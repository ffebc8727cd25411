#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "proctor/v1/event_service.pb.h"
#include "server/event/event_transport.h"

namespace proctor::server {

// The transport of an event stream in the hands of a test. It fails the test where the stream
// breaks an order of calls that gRPC demands.
//
// Thread-safety: all methods from any thread. Lifetime: outlives the stream.
class FakeEventTransport final : public EventTransport {
 public:
  // Called in place of a write that stays in flight: it has to end it.
  void WriteThrough(std::function<void()> end) {
    absl::MutexLock lock(&mutex_);
    end_ = std::move(end);
  }

  void StartWriting(const grpc::ByteBuffer& bytes, bool) override {
    v1::WatchEventsResponse message;
    grpc::ByteBuffer copy = bytes;
    EXPECT_TRUE(
        grpc::SerializationTraits<v1::WatchEventsResponse>::Deserialize(&copy, &message).ok());
    std::function<void()> end;
    {
      absl::MutexLock lock(&mutex_);
      EXPECT_FALSE(writing_) << "a second write in flight";
      EXPECT_FALSE(status_.has_value()) << "a write after the end";
      writing_ = true;
      sent_.push_back(message);
      end = end_;
    }
    if (end) end();
  }
  void Finish(const grpc::Status& status) override {
    absl::MutexLock lock(&mutex_);
    EXPECT_FALSE(writing_) << "Finish beside a write";
    EXPECT_FALSE(status_.has_value()) << "a second end";
    status_ = status;
  }
  const std::string& caller() const override { return caller_; }
  void Cancel() override {
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
  }

  // The write is over: the reaction comes next.
  void EndWrite() {
    absl::MutexLock lock(&mutex_);
    EXPECT_TRUE(writing_);
    writing_ = false;
  }

  std::vector<v1::WatchEventsResponse> AwaitSent(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto enough = [&] {
      mutex_.AssertReaderHeld();
      return sent_.size() >= count;
    };
    mutex_.Await(absl::Condition(&enough));
    return sent_;
  }
  grpc::Status AwaitEnd() {
    absl::MutexLock lock(&mutex_);
    const auto ended = [&] {
      mutex_.AssertReaderHeld();
      return status_.has_value();
    };
    mutex_.Await(absl::Condition(&ended));
    return *status_;
  }
  std::vector<v1::WatchEventsResponse> sent() const {
    absl::MutexLock lock(&mutex_);
    return sent_;
  }
  bool writing() const {
    absl::MutexLock lock(&mutex_);
    return writing_;
  }
  bool ended() const {
    absl::MutexLock lock(&mutex_);
    return status_.has_value();
  }
  bool cancelled() const {
    absl::MutexLock lock(&mutex_);
    return cancelled_;
  }

 private:
  const std::string caller_ = "a test";
  mutable absl::Mutex mutex_;
  std::function<void()> end_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::WatchEventsResponse> sent_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<grpc::Status> status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::server
