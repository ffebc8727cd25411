#pragma once

#include "absl/status/status.h"
#include "client/cli/terminal/terminal_keys.h"
#include "core/flags/flag_set.h"

namespace proctor::cli {

// The flags that say which keys are ours while our terminal belongs to a process.
//
// A value; not thread-safe.
struct TerminalFlags {
  KeyBindings keys;

  // Adds the flags to `*flags`; this must outlive it.
  void AddTo(FlagSet* flags);

  // After parsing: takes what was not given from $PROCTOR_DETACH_KEYS. INVALID_ARGUMENT, naming the
  // variable, for a bad value.
  absl::Status Resolve();

 private:
  bool detach_given_ = false;
};

}  // namespace proctor::cli
