#include "tests/e2e/output/cutting_relay.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace proctor {
namespace {

sockaddr_un Address(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

UniqueFd NewSocket() { return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

}  // namespace

CuttingRelay::CuttingRelay(std::string server_socket, unsigned seed, int cuts, uint64_t most_bytes)
    : server_socket_(std::move(server_socket)),
      socket_(server_socket_ + ".relay"),
      most_cuts_(cuts),
      most_bytes_(most_bytes),
      listener_(NewSocket()),
      stop_(::eventfd(0, EFD_CLOEXEC)),
      random_(seed) {
  const sockaddr_un address = Address(socket_);
  EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
            0);
  EXPECT_EQ(::listen(listener_.get(), SOMAXCONN), 0);
  Plan();
  thread_ = std::thread([this] { Run(); });
}

CuttingRelay::~CuttingRelay() {
  const uint64_t one = 1;
  EXPECT_EQ(::write(stop_.get(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
  thread_.join();
  ::unlink(socket_.c_str());
}

void CuttingRelay::Run() {
  while (true) {
    std::vector<pollfd> waiting = {{stop_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    for (const Connection& connection : connections_) {
      waiting.push_back({connection.client.get(), POLLIN, 0});
      waiting.push_back({connection.server.get(), POLLIN, 0});
    }
    if (::poll(waiting.data(), waiting.size(), -1) < 0) continue;
    if (waiting[0].revents != 0) return;
    const int cuts = cuts_;
    size_t at = 2;
    for (auto it = connections_.begin(); cuts == cuts_ && it != connections_.end(); at += 2) {
      bool lives = waiting[at].revents == 0 || Pass(it->client, it->server, false);
      if (cuts != cuts_) break;  // a cut has ended it, with all others
      lives = lives && (waiting[at + 1].revents == 0 || Pass(it->server, it->client, true));
      if (cuts != cuts_) break;
      it = lives ? std::next(it) : connections_.erase(it);
    }
    if (waiting[1].revents != 0) Accept();
  }
}

void CuttingRelay::Accept() {
  Connection connection{UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)),
                        NewSocket()};
  const sockaddr_un address = Address(server_socket_);
  if (::connect(connection.server.get(), reinterpret_cast<const sockaddr*>(&address),
                sizeof address) != 0) {
    return;  // the client sees its connection closed
  }
  connections_.push_back(std::move(connection));
}

// Draws the next cut. Small numbers are as likely as large ones, so that some cuts hit a
// connection in its handshake.
void CuttingRelay::Plan() {
  swallows_ = random_() % 2 == 0;
  left_ =
      1 + random_() % (random_() % 4 == 0 ? std::min<uint64_t>(2000, most_bytes_) : most_bytes_);
}

void CuttingRelay::Cut() {
  connections_.clear();
  ++cuts_;
  Plan();
}

// Passes on what has arrived. Returns false when the connection has ended or all were cut. Blocks
// until the receiver has read: it always reads, since gRPC holds senders back by itself.
bool CuttingRelay::Pass(const UniqueFd& from, const UniqueFd& to, bool is_answer) {
  char bytes[16384];
  const bool cutting = cuts_ < most_cuts_;
  if (cutting && left_ == 0 && is_answer) {
    Cut();
    return false;
  }
  const size_t most = cutting && left_ > 0 ? std::min<uint64_t>(left_, sizeof bytes) : sizeof bytes;
  const ssize_t size = ::recv(from.get(), bytes, most, 0);
  if (size <= 0) return false;
  for (ssize_t done = 0; done < size;) {
    const ssize_t sent =
        ::send(to.get(), bytes + done, static_cast<size_t>(size - done), MSG_NOSIGNAL);
    if (sent < 0) return false;
    done += sent;
  }
  if (!cutting || left_ == 0) return true;
  left_ -= static_cast<uint64_t>(size);
  if (left_ > 0 || swallows_) return true;
  Cut();
  return false;
}

}  // namespace proctor
