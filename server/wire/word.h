#pragma once

#include "core/fact/output_drained.h"
#include "core/fact/process_info.h"
#include "core/fact/session_info.h"
#include "proctor/command.h"

namespace proctor::wire {

// The contract's words for enumerators: "TREE" of SIGNAL_SCOPE_TREE. They stand in events and in
// lines of the server's log. Empty for an unknown one.
const char* WordOf(CloseReason reason);
const char* WordOf(RemovalReason reason);
const char* WordOf(LeaseExpiry expiry);
const char* WordOf(SignalScope scope);
const char* WordOf(OverflowPolicy overflow);
const char* WordOf(DrainReason reason);
const char* WordOf(ExitCause cause);

}  // namespace proctor::wire
