#pragma once

#include <atomic>
#include <thread>

#include "client/cli/output/console.h"
#include "proctor/client/process_stream.h"
#include "proctor/unique_fd.h"

namespace proctor::cli {

// Carries our stdin to the process.
//
// Made and destroyed on one thread; the pump has one of its own. It holds one chunk at most: the
// next is read when gRPC has taken the one before.
class StdinPump {
 public:
  // Starts to read descriptor 0. `*stream` and `*console` outlive this.
  StdinPump(client::ProcessStream* stream, const Console* console);
  StdinPump(const StdinPump&) = delete;
  StdinPump& operator=(const StdinPump&) = delete;
  // Stops, whether our stdin has ended or not. Call when the stream has ended: until then a write
  // may be held back.
  ~StdinPump();

  // Whether our stdin could not be read. That was reported and ended the stream: the process must
  // not take half of its input for the whole.
  bool failed() const { return failed_; }

 private:
  void Pump();

  client::ProcessStream* const stream_;
  const Console* const console_;
  const UniqueFd wake_fd_;
  std::atomic<bool> failed_{false};
  std::thread thread_;
};

}  // namespace proctor::cli
