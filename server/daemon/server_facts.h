#pragma once

#include <string>

#include "core/ledger/memory_budget.h"
#include "proctor/v1/server_service.pb.h"
#include "server/options/options.h"

namespace proctor::server {

// Facts about the server that do not change while it runs. Pure functions.

// The largest message that the server takes, in bytes.
inline constexpr int kMaxMessageBytes = 8 * 1024 * 1024;

// Its limits, as the options set them.
v1::ServerLimits LimitsOf(const Options& options, const MemoryBudget& memory);

// The facts of the event log since its opening. `notice` comes from OpenEventLog.
v1::EventLogInfo EventLogFactsOf(const Options& options, const std::string& notice);

}  // namespace proctor::server
