#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "core/flags/flag_set.h"
#include "proctor/v1/process_service.pb.h"

namespace proctor::cli {

// --tail and --tail-bytes: how much of the end of an output is shown, for logs and attach.
//
// Not thread-safe.
class TailFlags {
 public:
  // `letter` is the short form of --tail; 0: it has none. Lives longer than the parsing.
  void AddTo(FlagSet* flags, char letter);

  // Whether the user gave one of them.
  bool given() const { return all_ || lines_.has_value() || bytes_.has_value(); }

  // Sets `*from` to the position that they mean; leaves it as it is when none was given.
  // INVALID_ARGUMENT when both were.
  absl::Status Resolve(v1::OutputPosition* from) const;

 private:
  bool all_ = false;
  std::optional<uint64_t> lines_;
  std::optional<uint64_t> bytes_;
};

}  // namespace proctor::cli
