#pragma once

#include <functional>

#include "absl/container/flat_hash_set.h"

namespace proctor::server::http {

// A call to a service that is under way.
class Call {
 public:
  // Ends it early, because the server stops. It still leaves its set by itself, later.
  virtual void Stop() = 0;

 protected:
  ~Call() = default;
};

// The calls that are under way, so that the end can wait for them: gRPC keeps pointers
// into each until it is over.
//
// Thread-safety: none; the http thread. Lifetime: outlives the calls.
class CallSet {
 public:
  // `on_removed` is called after each call that left.
  explicit CallSet(std::function<void()> on_removed) : on_removed_(std::move(on_removed)) {}

  void Add(Call* call) { calls_.insert(call); }
  void Remove(Call* call) {
    calls_.erase(call);
    on_removed_();
  }
  void StopAll() {
    const auto calls = calls_;  // a call that stops may leave
    for (Call* call : calls) call->Stop();
  }
  size_t size() const { return calls_.size(); }

 private:
  const std::function<void()> on_removed_;
  absl::flat_hash_set<Call*> calls_;
};

}  // namespace proctor::server::http
