#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <random>
#include <string>
#include <thread>

#include "proctor/unique_fd.h"

namespace proctor {

// A network that fails. It passes bytes between clients and a unix socket. After a pseudo-random
// number of bytes it cuts all its connections. It does so again and again, and does not respect
// the bounds of messages. Before every other cut it also drops what the server sends: then a call
// was carried out and its answer is lost. After a given number of cuts it is reliable.
//
// Thread-safety: all methods from any thread.
// Lifetime: the destructor ends its connections.
class CuttingRelay {
 public:
  // Cuts `cuts` times, each after at most `most_bytes` bytes.
  CuttingRelay(std::string server_socket, unsigned seed, int cuts, uint64_t most_bytes);
  ~CuttingRelay();
  CuttingRelay(const CuttingRelay&) = delete;
  CuttingRelay& operator=(const CuttingRelay&) = delete;

  // The address of the relay, for clients.
  std::string target() const { return "unix:" + socket_; }
  int cuts() const { return cuts_; }

 private:
  struct Connection {
    UniqueFd client;
    UniqueFd server;
  };

  void Run();
  void Accept();
  void Plan();
  void Cut();
  bool Pass(const UniqueFd& from, const UniqueFd& to, bool is_answer);

  const std::string server_socket_;
  const std::string socket_;
  const int most_cuts_;
  const uint64_t most_bytes_;

  UniqueFd listener_;
  UniqueFd stop_;
  std::thread thread_;
  std::atomic<int> cuts_ = 0;

  // The thread's own.
  std::mt19937 random_;
  std::list<Connection> connections_;
  uint64_t left_ = 0;      // until the next cut
  bool swallows_ = false;  // answers, when none are left
};

}  // namespace proctor
