#include "server/http/http_thread.h"

#include <pthread.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <system_error>
#include <utility>

namespace proctor::server::http {

// Only one thread runs the loop, so Asio may leave out its locks.
HttpThread::HttpThread() : context_(std::make_unique<boost::asio::io_context>(1)) {}

absl::StatusOr<std::unique_ptr<HttpThread>> HttpThread::Start() {
  try {
    std::unique_ptr<HttpThread> thread(new HttpThread);
    thread->thread_ = std::thread([raw = thread.get()] { raw->Run(); });
    return thread;
  } catch (const std::exception& error) {  // an epoll set or a thread that could not be made
    return absl::ResourceExhaustedError(std::string("start the http thread: ") + error.what());
  }
}

HttpThread::~HttpThread() { Stop(); }

void HttpThread::Stop() {
  if (!thread_.joinable()) return;
  Post([this] { context_->stop(); });
  thread_.join();
}

void HttpThread::Run() {
  ::pthread_setname_np(::pthread_self(), "http");
  const auto guard = boost::asio::make_work_guard(*context_);
  context_->run();
}

void HttpThread::Post(absl::AnyInvocable<void()> work) {
  boost::asio::post(*context_, std::move(work));
}

struct Timer::State {
  explicit State(boost::asio::io_context& context) : timer(context) {}

  boost::asio::steady_timer timer;
  std::function<void()> work;  // empty where nothing is set
  uint64_t setting = 0;        // shows a wait that ends whether another replaced it
};

Timer::Timer(HttpThread* thread) : state_(std::make_shared<State>(thread->context())) {}

Timer::~Timer() { Cancel(); }

void Timer::Set(absl::Duration delay, std::function<void()> work) {
  state_->work = std::move(work);
  const uint64_t setting = ++state_->setting;
  state_->timer.expires_after(absl::ToChronoNanoseconds(delay));
  state_->timer.async_wait([state = state_, setting](const boost::system::error_code& error) {
    if (error || setting != state->setting || state->work == nullptr) return;
    std::exchange(state->work, nullptr)();
  });
}

void Timer::Cancel() {
  ++state_->setting;
  state_->work = nullptr;
  boost::system::error_code ignored;
  state_->timer.cancel(ignored);
}

}  // namespace proctor::server::http
