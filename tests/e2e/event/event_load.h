#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "proctor/v1/event.pb.h"
#include "proctor/v1/process_service.grpc.pb.h"
#include "tests/e2e/harness/server_process.h"

namespace proctor {

// Makes events through the public API: it sends signals without effect to processes that wait. This
// is the cheapest event, and it names a process, its session and its labels.
//
// Thread-safety: none. Lifetime: the processes end with their server.
class EventLoad {
 public:
  // Starts the processes, in two sessions in turn. Each has the label "number", from 0 on, and the
  // label "parity", "even" or "odd".
  EventLoad(const ServerProcess& server, int processes);

  const std::vector<std::string>& process_ids() const { return process_ids_; }
  const std::vector<std::string>& session_ids() const { return session_ids_; }

  // Makes `count` events of the first `among` processes in turn, from several clients at once. It
  // is as fast as possible, or makes `per_second` events evenly.
  void Append(int count, size_t among, double per_second = 0);
  // Makes one last event for each process, in their order. IsLast tells it from the others.
  void AppendLast();
  static bool IsLast(const v1::Event& event);

 private:
  void AppendFrom(v1::ProcessService::Stub& stub, int count, size_t among, double per_second);

  std::vector<std::unique_ptr<v1::ProcessService::Stub>> clients_;
  std::vector<std::string> session_ids_;
  std::vector<std::string> process_ids_;
  std::atomic<size_t> turn_ = 0;
};

}  // namespace proctor
