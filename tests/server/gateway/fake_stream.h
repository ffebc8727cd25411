#pragma once

#include <grpcpp/support/server_callback.h>

#include <deque>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace proctor::testing {

// The longest that a test waits for what must come.
inline constexpr absl::Duration kPatience = absl::Seconds(30);

// The service's end of one streaming call, in the hands of the test.
//
// Thread-safety: gRPC calls the reactions; the rest by the test's thread.
// Lifetime: shared by the test and gRPC.
template <typename Request, typename Response>
class FakeStream final : public grpc::ServerWriteReactor<Response> {
 public:
  static std::shared_ptr<FakeStream> Make(const Request& request) {
    std::shared_ptr<FakeStream> stream(new FakeStream(request));
    stream->self_ = stream;
    return stream;
  }

  const Request& request() const { return request_; }

  // Writes one message and waits until gRPC took it. False once the caller is gone.
  bool Write(const Response& response) {
    absl::MutexLock lock(&mutex_);
    if (finished_) return false;
    response_ = response;
    writing_ = true;
    wrote_ = false;
    this->StartWrite(&response_);
    mutex_.Await(absl::Condition(
        +[](bool* writing) { return !*writing; }, &writing_));
    return wrote_;
  }

  void End(const grpc::Status& status) {
    absl::MutexLock lock(&mutex_);
    FinishLocked(status);
  }

  // Whether the caller went away in time.
  bool AwaitCancelled() {
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&cancelled_), kPatience);
  }

 private:
  explicit FakeStream(const Request& request) : request_(request) {}

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&mutex_);
    writing_ = false;
    wrote_ = ok;
    if (cancelled_) FinishLocked(grpc::Status::CANCELLED);
  }
  void OnCancel() override {
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
    if (!writing_) FinishLocked(grpc::Status::CANCELLED);
  }
  void OnDone() override { self_.reset(); }

  void FinishLocked(const grpc::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (std::exchange(finished_, true)) return;
    this->Finish(status);
  }

  const Request request_;
  std::shared_ptr<FakeStream> self_;  // gRPC's part

  absl::Mutex mutex_;
  Response response_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool wrote_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

// The calls of one method, in the order in which they came.
template <typename Request, typename Response>
class FakeStreams {
 public:
  using Stream = FakeStream<Request, Response>;

  grpc::ServerWriteReactor<Response>* Add(const Request& request) {
    auto stream = Stream::Make(request);
    absl::MutexLock lock(&mutex_);
    streams_.push_back(stream);
    return stream.get();
  }

  // The next call; null if none comes in time.
  std::shared_ptr<Stream> Next() {
    absl::MutexLock lock(&mutex_);
    const bool came = mutex_.AwaitWithTimeout(
        absl::Condition(
            +[](std::deque<std::shared_ptr<Stream>>* s) { return !s->empty(); }, &streams_),
        kPatience);
    if (!came) return nullptr;
    auto stream = streams_.front();
    streams_.pop_front();
    return stream;
  }

  bool empty() {
    absl::MutexLock lock(&mutex_);
    return streams_.empty();
  }

 private:
  absl::Mutex mutex_;
  std::deque<std::shared_ptr<Stream>> streams_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::testing
