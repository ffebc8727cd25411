#pragma once

#include <vector>

#include "absl/time/time.h"
#include "proctor/event_loop.h"
#include "server/listen/appetite.h"
#include "server/listen/borrowed_socket.h"
#include "server/listen/listener_load.h"
#include "server/net/call_counts.h"

namespace proctor::server {

// Looks at what each TCP connection has taken (TCP_INFO) and done (CallCounts), and cuts greedy
// ones (Appetite). It sees a burst between two looks too late: MemoryMax of the unit is for that.
//
// 500 idle connections cost a millisecond of processor, and a call costs nothing. Rejected: an
// interceptor, which would cost every call.
//
// Thread-safety: none; the loop's thread. Lifetime: owns no socket; the loop, and while it runs the
// loads of the connections, outlive this.
class GreedyPeers {
 public:
  explicit GreedyPeers(EventLoop* loop) : loop_(loop) {}
  ~GreedyPeers() { timer_.Cancel(); }
  GreedyPeers(const GreedyPeers&) = delete;
  GreedyPeers& operator=(const GreedyPeers&) = delete;

  // A connection that was just accepted by the listener of this load.
  void Add(int fd, ListenerLoad* load);

 private:
  struct Connection {
    BorrowedSocket socket;
    ListenerLoad* load;
    Appetite appetite;
  };

  // Comes again, four times a second, as long as there are connections.
  void LookLater();
  // Shuts down (shutdown(2)) greedy connections, counts them in their loads, and forgets closed
  // ones.
  void CutGreedy(absl::Duration now);
  Appetite::Verdict Judge(Connection& connection, absl::Duration now);
  // Whether the connection is over.
  bool Cut(const Connection& connection, Refusal reason, absl::Duration now);

  EventLoop* const loop_;
  LoopHandle timer_;
  std::vector<Connection> connections_;
  CallCounts counts_;
};

}  // namespace proctor::server
