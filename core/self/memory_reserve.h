#pragma once

#include <cstddef>

namespace proctor {

// Address space that is kept for the moment in which there is no more (RLIMIT_AS, or a machine that
// promises no memory that it has not): what must be done then, as to tell of an exit or to drain,
// needs some, and an exception half way through would leave it undone. The first `new` that fails
// gets it. It is reserved, not used: it costs no memory until then.
//
// One for the process; it takes the place of the new-handler (std::set_new_handler).
//
// Thread-safety: all functions from any thread.

// Takes the reserve, where it is not held yet. False if it cannot be had.
bool HoldMemoryReserve(size_t bytes = size_t{32} << 20);

// Whether it was given up since it was held.
bool MemoryReserveSpent();

}  // namespace proctor
