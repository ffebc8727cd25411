#include "server/net/acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <grpcpp/server_builder.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <utility>

#include "server/listen/peer_address.h"

namespace proctor::server {
namespace {

// Connections taken in one turn of the loop.
constexpr int kTurn = 64;

UniqueFd OpenSpare() { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

// The kernel's probes find a dead peer in about a minute, when nothing waits for it; else
// SilentPeers does. gRPC's own keepalive would also cut off a client that is only stopped.
void TuneTcp(int fd) {
  const int on = 1, idle = 30, interval = 10, count = 3;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

// Ends a connection at once: nothing of it is left in the kernel, as after an orderly end.
void Reset(int fd) {
  const linger none{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  UniqueFd(fd).Reset();
}

}  // namespace

Acceptor::Acceptor(EventLoop* loop, std::unique_ptr<Listener> listener,
                   const ConnectionLimits& limits, const TcpParts& tcp,
                   std::shared_ptr<grpc::experimental::ExternalConnectionAcceptor> connections)
    : loop_(loop),
      listener_(std::move(listener)),
      load_(listener_->address()),
      gate_(listener_->is_unix() ? kNoConnectionLimits : limits, &load_),
      tcp_(tcp),
      connections_(std::move(connections)),
      spare_(OpenSpare()) {}

Acceptor::~Acceptor() { loop_->RemoveReader(listener_->fd()); }

absl::Status Acceptor::Start() {
  return loop_->AddReader(listener_->fd(), [this] { OnReadable(); });
}

void Acceptor::ForgetClosed() { gate_.ForgetClosed(); }

bool Acceptor::Admit(int fd, const sockaddr_storage& peer) {
  if (!gate_.Admit(fd, peer, loop_->Time())) return false;
  if (listener_->is_unix()) return true;
  TuneTcp(fd);
  tcp_.silent->Add(fd);
  tcp_.greedy->Add(fd, &load_);
  return true;
}

void Acceptor::OnReadable() {
  for (int i = 0; i < kTurn; ++i) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    const int fd = ::accept4(listener_->fd(), reinterpret_cast<sockaddr*>(&peer), &size,
                             SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EMFILE || errno == ENFILE) DropOne();
      return;
    }
    if (!Admit(fd, peer)) {
      Reset(fd);
      continue;
    }
    if (listener_->is_unix()) {
      GiveToGrpc(*connections_, listener_->fd(), UniqueFd(fd), "");
    } else {
      tcp_.handover->Give(connections_, listener_->fd(), UniqueFd(fd), PeerName(peer));
    }
  }
}

// Out of descriptors: the caller sees its connection closed, which it may retry, in
// place of a silence; the loop does not spin on a queue that it cannot empty.
void Acceptor::DropOne() {
  spare_.Reset();
  UniqueFd dropped(::accept4(listener_->fd(), nullptr, nullptr, SOCK_CLOEXEC));
  dropped.Reset();
  spare_ = OpenSpare();
  load_.Refuse(Refusal::kDescriptors, "unknown", loop_->Time());
}

}  // namespace proctor::server
