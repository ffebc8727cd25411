#pragma once

#include "absl/time/time.h"
#include "client/cli/output/console.h"
#include "core/flags/flag_set.h"
#include "proctor/client/reconnector.h"

namespace proctor::cli {

// --reconnect: how long a verb that follows something goes on without its server.
//
// A value; used by one thread.
struct ReconnectFlag {
  absl::Duration longest = absl::Minutes(1);

  // Adds the flag to `*flags`; this must outlive it.
  void AddTo(FlagSet* flags);

  // Returns the policy that the flag stands for. It reports each loss on `*console`, which outlives
  // the result.
  client::ReconnectPolicy Policy(const Console* console) const;
};

}  // namespace proctor::cli
