#include "server/acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <grpcpp/server_builder.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <utility>

#include "core/base/error.h"
#include "server/failed_handshakes.h"
#include "server/listen/peer_name.h"

namespace proctor::server {
namespace {

// Connections taken in one turn of the loop.
constexpr int kTurn = 64;

UniqueFd OpenSpare() { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

// A dead peer is found by the kernel's probes, in about a minute, where nothing waits for it; else
// by SilentPeers. gRPC's own keepalive would also cut off a client that is only stopped.
void TuneTcp(int fd) {
  const int on = 1, idle = 30, interval = 10, count = 3;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

}  // namespace

Acceptor::Acceptor(EventLoop* loop, std::unique_ptr<Listener> listener, SilentPeers* peers,
                   std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> connections)
    : loop_(loop),
      listener_(std::move(listener)),
      peers_(peers),
      connections_(std::move(connections)),
      spare_(OpenSpare()) {}

Acceptor::~Acceptor() { loop_->RemoveReader(listener_->fd()); }

absl::Status Acceptor::Start() {
  return loop_->AddReader(listener_->fd(), [this] { OnReadable(); });
}

void Acceptor::OnReadable() {
  for (int i = 0; i < kTurn; ++i) {
    const int fd = ::accept4(listener_->fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EMFILE || errno == ENFILE) DropOne();
      return;
    }
    if (!listener_->is_unix()) {
      TuneTcp(fd);
      peers_->Add(fd);
    }
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
    parameters.listener_fd = listener_->fd();
    parameters.fd = fd;  // gRPC's from here on
    const HandshakePeer peer(listener_->is_unix() ? "" : PeerName(fd));
    connections_->HandleNewConnection(&parameters);
  }
}

// Out of descriptors: the caller sees its connection closed, which it may retry, in
// place of a silence; the loop does not spin on a queue that it cannot empty.
void Acceptor::DropOne() {
  spare_.Reset();
  UniqueFd dropped(::accept4(listener_->fd(), nullptr, nullptr, SOCK_CLOEXEC));
  dropped.Reset();
  spare_ = OpenSpare();
  loop_->ReportError({"accept a connection", absl::ResourceExhaustedError(
                                                 "out of descriptors: a connection was dropped")});
}

}  // namespace proctor::server
