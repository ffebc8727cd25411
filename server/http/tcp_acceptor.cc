#include "server/http/tcp_acceptor.h"

#include <errno.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <utility>

#include "proctor/error.h"

namespace proctor::server::http {
namespace {

constexpr absl::Duration kPause = absl::Milliseconds(100);

// The most connections at once; then open connections have a turn.
constexpr int kBatch = 64;

bool IsNobodyThere(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

// Waits until the listener is readable, and outlives the acceptor by the callback that Asio
// makes when a wait is cancelled.
struct TcpAcceptor::Wait : std::enable_shared_from_this<Wait> {
  explicit Wait(HttpThread* thread) : descriptor(thread->context()) {}

  void Begin() {
    descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& error) {
                            if (!error && self->acceptor != nullptr) self->acceptor->Accept();
                          });
  }

  boost::asio::posix::stream_descriptor descriptor;
  TcpAcceptor* acceptor = nullptr;
};

TcpAcceptor::TcpAcceptor(HttpThread* thread, std::unique_ptr<Listener> listener, Accepted accepted)
    : listener_(std::move(listener)),
      accepted_(std::move(accepted)),
      pause_(thread),
      wait_(std::make_shared<Wait>(thread)) {}

TcpAcceptor::~TcpAcceptor() {
  wait_->acceptor = nullptr;
  if (wait_->descriptor.is_open()) wait_->descriptor.release();  // the listener closes it
}

absl::Status TcpAcceptor::Start() {
  boost::system::error_code error;
  wait_->descriptor.assign(listener_->fd(), error);
  if (error) return SystemError("watch a listener", error.value());
  wait_->acceptor = this;
  wait_->Begin();
  return absl::OkStatus();
}

void TcpAcceptor::Accept() {
  for (int i = 0; i < kBatch; ++i) {
    UniqueFd fd(::accept4(listener_->fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd) {
      paused_ = false;
      accepted_(std::move(fd));
      continue;
    }
    const int error = errno;
    if (IsNobodyThere(error)) break;
    if (error == ECONNABORTED || error == EINTR) continue;  // the caller left while it waited
    // EMFILE and its like. The listener stays readable: waiting for that would spin.
    if (!std::exchange(paused_, true)) {
      spdlog::warn("http accept paused address={} error=\"{}\"", listener_->address(),
                   ErrnoText(error));
    }
    pause_.Set(kPause, [this] { Accept(); });
    return;
  }
  wait_->Begin();
}

}  // namespace proctor::server::http
