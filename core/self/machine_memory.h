#pragma once

#include <cstdint>

namespace proctor {

// The memory that this process may come to use, in bytes: the machine's, or what the control
// groups (version 2) leave it of that. 0 if it cannot be told.
uint64_t MachineMemory();

}  // namespace proctor
