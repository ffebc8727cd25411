#pragma once

#include <deque>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "proctor/unique_fd.h"

namespace grpc::experimental {
class ExternalConnectionAcceptor;
}

namespace proctor::server {

// Gives connections of TCP to gRPC, on a thread of its own, "handover".
//
// gRPC (1.51) begins to read a connection on the thread that gives it, and goes on there for as
// long as there is more to read. A lawful caller soon waits for an answer; one that floods, as with
// a header of megabytes, keeps the thread. On the main one that would stop the unix socket,
// signals, and the search for such callers (GreedyPeers). Here it stops other connections of TCP,
// until it is cut.
//
// Thread-safety: Start, Stop and the destructor by one owner; Give from any thread.
// Lifetime: the destructor waits for what gRPC does with the connection under way, so that comes
// after gRPC's shutdown.
class Handover {
 public:
  using Taker = grpc::experimental::ExternalConnectionAcceptor;

  // Errors: ResourceExhausted where no thread can be had.
  static absl::StatusOr<std::unique_ptr<Handover>> Start();
  ~Handover();
  Handover(const Handover&) = delete;
  Handover& operator=(const Handover&) = delete;

  // Gives a connection soon, in the order of the calls; closes it after Stop. `peer` is for the
  // log.
  void Give(std::shared_ptr<Taker> taker, int listener_fd, UniqueFd fd, std::string peer);

  // Closes what waits, and takes nothing more.
  void Stop();

 private:
  struct Connection {
    std::shared_ptr<Taker> taker;
    int listener_fd;
    UniqueFd fd;
    std::string peer;
  };

  Handover() = default;
  void Run();

  absl::Mutex mutex_;
  std::deque<Connection> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

// Gives a connection on this thread. `peer` is the peer of its TLS handshake; "" without TLS.
void GiveToGrpc(grpc::experimental::ExternalConnectionAcceptor& taker, int listener_fd, UniqueFd fd,
                std::string peer);

}  // namespace proctor::server
