#pragma once

#include <string>

#include "core/ledger/memory_budget.h"
#include "proctor/v1/server_service.pb.h"
#include "server/options/options.h"

namespace proctor::server {

// What the server tells about itself that does not change while it runs. Pure functions.

// The largest message that it takes.
inline constexpr int kMaxMessageBytes = 8 * 1024 * 1024;

// Its limits, as the options set them.
v1::ServerLimits LimitsOf(const Options& options, const MemoryBudget& memory);

// What is known of the event log from its opening on. `notice` is what OpenEventLog said.
v1::EventLogInfo EventLogFactsOf(const Options& options, const std::string& notice);

}  // namespace proctor::server
