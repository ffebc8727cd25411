#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proctor/client/client.h"
#include "proctor/client/error.h"

namespace proctor::cli {

// Writes to the stdin of a process by single calls that can be repeated: every byte arrives once,
// or the writer says that it does not know.
//
// The offset does it: the server skips what it has taken already. That holds for one writer at a
// time; the count reveals bytes of another one in between.
//
// Not thread-safe.
//
// Order of calls: Begin; Write as often as wanted; Close at most once. Nothing after an error.
class StdinWriter {
 public:
  // How long each call tries a server again that cannot be reached.
  static constexpr absl::Duration kPatience = absl::Seconds(30);

  // `force` takes stdin over from another writer. `on_retry` gets the first failure of a call that
  // is repeated. `client` outlives this.
  StdinWriter(const client::Client& client, std::string process_id, bool force,
              std::function<void(const absl::Status&)> on_retry);

  // Asks how much the process's stdin has taken so far. Errors of WriteStdin.
  absl::Status Begin();

  // Writes `data`; returns when the process's pipe has taken all of it. Errors of WriteStdin;
  // ABORTED (STDIN_SHARED) if another writer's bytes came between ours.
  absl::Status Write(std::string data);

  // Ends the stdin.
  absl::Status Close();

  // The number of our bytes that were certainly taken.
  uint64_t taken() const { return position_ - start_; }

 private:
  // Repeats `request` until there is an answer, or patience ends. Returns how many bytes the
  // process's stdin has taken.
  absl::StatusOr<uint64_t> Call(v1::WriteStdinRequest request);

  const client::Client& client_;
  const std::string process_id_;
  const bool force_;
  const std::function<void(const absl::Status&)> on_retry_;
  uint64_t start_ = 0;
  uint64_t position_ = 0;
};

}  // namespace proctor::cli
