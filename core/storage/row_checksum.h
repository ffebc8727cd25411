#pragma once

#include <cstdint>

#include "core/event/event_store.h"

namespace proctor {

// The checksums (CRC-32) by which damage to a row is seen that SQLite does not see: it has none of
// its own, and reads zeros beyond the end of a file that was cut off. Pure functions.
int64_t ChecksumOf(const StoredEvent& event);
int64_t ChecksumOf(const StateChange& state);

}  // namespace proctor
