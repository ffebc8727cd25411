#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <random>
#include <string>
#include <thread>

#include "core/base/unique_fd.h"

namespace proctor {

// A network that fails: passes bytes between clients and a unix socket, and cuts all its
// connections again and again, after pseudo-random numbers of bytes, in the middle of
// whatever is said; every other time it also swallows what the server says at last, so
// that a call was carried out and its answer is lost. After a number of cuts it is
// reliable.
//
// Thread-safety: all methods from any thread.
// Lifetime: ends its connections when it goes.
class CuttingRelay {
 public:
  // Cuts `cuts` times, each after at most `most_bytes` that passed.
  CuttingRelay(std::string server_socket, unsigned seed, int cuts, uint64_t most_bytes);
  ~CuttingRelay();
  CuttingRelay(const CuttingRelay&) = delete;
  CuttingRelay& operator=(const CuttingRelay&) = delete;

  // Where clients find the server through it.
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

  // Of the thread.
  std::mt19937 random_;
  std::list<Connection> connections_;
  uint64_t left_ = 0;      // until the next cut
  bool swallows_ = false;  // answers, once none are left
};

}  // namespace proctor
