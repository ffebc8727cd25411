#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/event/event_log.h"
#include "core/output/output_store.h"
#include "server/options/options.h"

namespace proctor::server {

// What the server keeps in its state directory, or only in memory with --state-dir=none.

// Opens the event log. `*notice` is set to what the operator has to know of the opening; it is
// empty where all is well.
// Errors: those of the store and of the spawn fence.
absl::StatusOr<std::unique_ptr<EventLog>> OpenEventLog(const Options& options, std::string* notice);

// Where the output of ended processes is kept; null if nowhere. A server that can keep none
// serves nevertheless, and logs why.
std::shared_ptr<OutputStore> OpenOutputStore(const Options& options);

// The token in `file`, or else in the file `name` of the state directory, made where there is
// none; "" without both.
// Errors: those of LoadOrMakeToken.
absl::StatusOr<std::string> LoadToken(const Options& options, const std::string& file,
                                      const char* name);

}  // namespace proctor::server
