#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cli/output/out_file.h"
#include "core/flags/flag_set.h"

namespace proctor::cli {

// --json-file and --json-fd: a place of their own for the messages of a stream, so that stderr
// holds the process's output and our words to people, and nothing for programs.
//
// A value; used by one thread.
//
// Order of calls: AddTo, the parsing, Open.
struct MessageFlags {
  std::string file;
  std::optional<int> descriptor;

  // Adds the flags to `*flags`; this must outlive it.
  void AddTo(FlagSet* flags);

  bool any() const { return descriptor.has_value() || !file.empty(); }

  // Opens the place; none when no flag names one. The result has a descriptor of its own, which
  // lasts until its Close or our end. INVALID_ARGUMENT, naming the flag, for both flags at once,
  // for a place that cannot be written to and, when `terminal_is_taken` by the process, for a
  // terminal. A file is created, or made empty.
  absl::StatusOr<std::optional<OutFile>> Open(bool terminal_is_taken) const;
};

// Returns INVALID_ARGUMENT: why a verb that stays with a process refuses a bare --json, and what
// takes its place. `else_hint` stands behind it.
absl::Status JsonWantsAPlace(const std::string& else_hint);

}  // namespace proctor::cli
