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

  // Whether one of them was given.
  bool given() const { return all_ || lines_.has_value() || bytes_.has_value(); }

  // The position that they mean; `*from` stays as it is where none was given. INVALID_ARGUMENT
  // where both were.
  absl::Status Resolve(v1::OutputPosition* from) const;

 private:
  bool all_ = false;
  std::optional<uint64_t> lines_;
  std::optional<uint64_t> bytes_;
};

}  // namespace proctor::cli
