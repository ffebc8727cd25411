#pragma once

#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tests/client/fake_server.h"
#include "tests/client/messages.h"

namespace proctor::testing {

// A process with a terminal, behind a stream of the fake server: shows what the test tells it, and
// remembers what it is told. Typing Ctrl-D ends it.
//
// Thread-safe.

class FakeTerminal {
 public:
  static constexpr char kEnd = '\x04';
  static constexpr int kExitCode = 7;

  // The behaviour of RunProcess, or of AttachProcess: serves the one stream. A detachment is
  // granted unless `stubborn`.
  template <typename Request, typename Response>
  grpc::Status Serve(grpc::ServerContext* context,
                     grpc::ServerReaderWriter<Response, Request>* stream, bool stubborn)
      ABSL_LOCKS_EXCLUDED(mutex_) {
    Request request;
    stream->Read(&request);
    {
      absl::MutexLock lock(&mutex_);
      first_ = request.DebugString();
      offset_ = 0;
      say_ = [stream](const v1::StreamMessage& message) { Say<Response>(stream, message); };
      v1::StreamMessage started = Started();
      started.mutable_started()->mutable_process()->mutable_spec()->mutable_pty();
      say_(started);
    }
    grpc::Status status = Obey(stream, stubborn);
    // A stream that broke off was cancelled, or its client is gone.
    if (status.error_code() == grpc::StatusCode::CANCELLED) status = UntilCancelled(context);
    absl::MutexLock lock(&mutex_);
    say_ = nullptr;
    absl::StrAppend(&got_, status.ok() ? "" : "<lost>");
    return status;
  }

  // Waits for the stream, then shows `text`.
  void Show(const std::string& text) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    const auto serves = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return say_ != nullptr; };
    mutex_.Await(absl::Condition(&serves));
    say_(Stdout(offset_, text));
    offset_ += text.size();
  }

  // Waits until `text` has come: what was typed as it is, and in its place <ROWSxCOLUMNS>,
  // <SIGNAL>, <detach>, <close> and <lost>.
  void AwaitInput(const std::string& text) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    const auto has = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return absl::StrContains(got_, text);
    };
    mutex_.Await(absl::Condition(&has));
  }

  // Waits for the end of the stream that was shown something: the next one is shown what follows.
  void AwaitEnd() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    const auto ended = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return say_ == nullptr; };
    mutex_.Await(absl::Condition(&ended));
  }

  // All that has come.
  std::string got() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return got_;
  }
  // The first request, as text.
  std::string first() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return first_;
  }

 private:
  template <typename Request, typename Response>
  grpc::Status Obey(grpc::ServerReaderWriter<Response, Request>* stream, bool stubborn)
      ABSL_LOCKS_EXCLUDED(mutex_) {
    Request request;
    while (stream->Read(&request)) {
      absl::MutexLock lock(&mutex_);
      const v1::StreamInput& input = request.input();
      absl::StrAppend(&got_, Text(input));
      if (input.detach() && !stubborn) return grpc::Status::OK;
      if (absl::StrContains(input.stdin().data(), std::string(1, kEnd))) {
        say_(Exited(ExitCode(kExitCode)));
        say_(Drained(offset_, 0));
        return grpc::Status::OK;
      }
    }
    return grpc::Status::CANCELLED;
  }

  static std::string Text(const v1::StreamInput& input) {
    switch (input.input_case()) {
      case v1::StreamInput::kStdin:
        return input.stdin().data();
      case v1::StreamInput::kCloseStdin:
        return "<close>";
      case v1::StreamInput::kSignal:
        return absl::StrCat("<", input.signal().signal(), ">");
      case v1::StreamInput::kResize:
        return absl::StrCat("<", input.resize().rows(), "x", input.resize().columns(), ">");
      case v1::StreamInput::kDetach:
        return "<detach>";
      default:
        return "<?>";
    }
  }

  absl::Mutex mutex_;
  std::function<void(const v1::StreamMessage&)> say_ ABSL_GUARDED_BY(mutex_);
  uint64_t offset_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string got_ ABSL_GUARDED_BY(mutex_);
  std::string first_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::testing
