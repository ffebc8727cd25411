#pragma once

#include <cstddef>
#include <string>

#include "proctor/v1/process.pb.h"

namespace proctor::cli {

// Words about a process that was lost with its server: nobody knows how it ended, nor whether.
//
// Pure functions; thread-safe.

bool IsLost(const v1::Process& process);

// Whether something of an ended process is left, or may be: to forget it is to lose its last trace.
bool MayRunOn(const v1::Process& process);

// What to say where some of those are kept; "" of none. `how` tells how they are forgotten.
std::string KeptText(size_t count, const std::string& how);

// For a sentence about how it ended: "SERVER_LOST: it may run on as pid 42"; the reason alone of
// an end that is unknown for another cause; "" of one that is known.
std::string UnknownEndText(const v1::Process& process);

}  // namespace proctor::cli
