#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proctor/unique_fd.h"

namespace proctor::server {

// An address to listen on: "unix:PATH", or "HOST:PORT" and "[HOST]:PORT" for TCP.
struct ListenAddress {
  bool is_unix = false;
  std::string path;  // unix
  std::string host;  // TCP
  std::string port;  // TCP; "0" lets the kernel choose

  bool operator==(const ListenAddress&) const = default;
};

// Errors: InvalidArgument, in words for the command line.
absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view text);

// Where a server listens, and a client looks, by default: $XDG_RUNTIME_DIR/proctor/proctord.sock,
// or without that variable /run/proctor/proctord.sock for root and /tmp/proctor-UID/proctord.sock
// for others.
ListenAddress DefaultListenAddress();

// A bound, listening, non-blocking socket, and what must be held and undone with it.
//
// A unix socket has mode 0600, or 0660 with a group of its own. Open makes a missing directory with
// mode 0700 (0710, of that group). No other user may be able to change the directory
// (private_path.h), and a group must be able to enter it. A lock file beside it (PATH.lock) keeps
// two servers apart, which bind(2) does not once the stale socket of a dead server must be
// replaced.
//
// Thread-safety: none. Lifetime: the socket file goes with the listener.
class Listener {
 public:
  // `public_allowed` allows TCP addresses other than loopback. `socket_group` may use a unix
  // socket, too, beside this user.
  // Errors: FailedPrecondition with what to do: another server listens there, the
  // socket's directory is no private one (SOCKET_DIR_UNUSABLE), not a loopback address;
  // Unavailable for what the system calls say.
  static absl::StatusOr<std::vector<std::unique_ptr<Listener>>> Open(
      const ListenAddress& address, bool public_allowed,
      std::optional<gid_t> socket_group = std::nullopt);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  int fd() const { return socket_.get(); }
  // The address as bound, in the form that clients take: "unix:/x", "127.0.0.1:5000".
  const std::string& address() const { return address_; }
  bool is_unix() const { return !path_.empty(); }

 private:
  Listener() = default;
  static absl::StatusOr<std::unique_ptr<Listener>> OpenUnix(const std::string& path,
                                                            std::optional<gid_t> group);

  UniqueFd socket_;
  UniqueFd lock_;
  std::string address_;
  std::string path_;  // unix
};

}  // namespace proctor::server
