#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/event/event_log.h"
#include "core/output/output_store.h"
#include "server/options/options.h"

namespace proctor::server {

// Opens the parts that are kept in the state directory, or only in memory with --state-dir=none.

// Opens the event log. Sets `*notice` to what the operator has to know of the opening; empty when
// all is well.
// Errors: those of the store and of the spawn fence.
absl::StatusOr<std::unique_ptr<EventLog>> OpenEventLog(const Options& options, std::string* notice);

// Opens the store for the output of ended processes; null when none is kept. A server that cannot
// open it logs why and serves without it.
std::shared_ptr<OutputStore> OpenOutputStore(const Options& options);

// Returns the token in `file`, or else in the file `name` of the state directory; "" without both.
// Makes a file that is missing.
// Errors: those of LoadOrMakeToken.
absl::StatusOr<std::string> LoadToken(const Options& options, const std::string& file,
                                      const char* name);

}  // namespace proctor::server
