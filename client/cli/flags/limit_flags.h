#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "core/flags/flag_set.h"
#include "proctor/v1/process.pb.h"

namespace proctor::cli {

// The flags for the identity of a process and how much it may use.
//
// Not thread-safe.

// --user, --group-add, --allow-new-privileges, --umask, --nice and --oom-score-adj. `*spec`
// outlives `*flags`.
void AddIdentityFlags(v1::ProcessSpec* spec, FlagSet* flags);

// --rlimit, and those that need a control group: --memory, --swap, --cpus, --pids-limit and
// --io-weight. `*spec` outlives `*flags`.
void AddLimitFlags(v1::ProcessSpec* spec, FlagSet* flags);

// NAME=SOFT[:HARD] with sizes or "unlimited"; HARD is SOFT when it is left out, as with docker's
// --ulimit. INVALID_ARGUMENT otherwise.
absl::StatusOr<v1::ResourceLimit> ParseResourceLimit(const std::string& text);

}  // namespace proctor::cli
