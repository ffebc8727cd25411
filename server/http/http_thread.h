#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace boost::asio {
class io_context;
}

namespace proctor::server::http {

// The one thread of the HTTP side, named "http", and the loop that it runs. It never blocks: what
// takes time is a call to a service, and its answer is posted here.
//
// Thread-safety: Post from any thread; Stop by the owner.
// Lifetime: outlives all that runs on it; the destructor stops it.
class HttpThread {
 public:
  // Errors: ResourceExhausted where there is no descriptor or thread left for it.
  static absl::StatusOr<std::unique_ptr<HttpThread>> Start();
  ~HttpThread();
  HttpThread(const HttpThread&) = delete;
  HttpThread& operator=(const HttpThread&) = delete;

  void Post(absl::AnyInvocable<void()> work);

  // Joins the thread. Runs first what was posted before. What still waits is destroyed with this,
  // without a call.
  void Stop();

  boost::asio::io_context& context() { return *context_; }

 private:
  HttpThread();
  void Run();

  const std::unique_ptr<boost::asio::io_context> context_;
  std::thread thread_;
};

// Makes a call later, on the http thread.
//
// Thread-safety: none; the http thread. Lifetime: nothing is called once it is gone.
class Timer {
 public:
  explicit Timer(HttpThread* thread);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Calls `work` after this time, instead of what was set before.
  void Set(absl::Duration delay, std::function<void()> work);
  void Cancel();

 private:
  struct State;
  const std::shared_ptr<State> state_;
};

}  // namespace proctor::server::http
