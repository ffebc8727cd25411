#pragma once

#include "core/registry/session_registry.h"
#include "server/admin/state_dump.h"

namespace proctor::server {

// The part of DumpState that is a session: with a thread, on which it describes itself, or without
// one. `sessions` outlives the part.
StatePart SessionPart(const SessionRegistry& sessions,
                      const SessionRegistry::SessionThread& thread);
StatePart ClosedSessionPart(const SessionRegistry& sessions, const SessionInfo& info);

}  // namespace proctor::server
