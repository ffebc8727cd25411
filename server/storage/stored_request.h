#pragma once

#include <string>

#include "proctor/command.h"

namespace proctor::storage {

// Returns what is stored of a request's command, to tell a repetition from another request. It is
// 64 bits of FNV-1a over the specification with the values of its environment, in the one form that
// a message has. Enough for a slip of a caller, and the same in every build. A pure function.
std::string DigestOf(const Command& command);

}  // namespace proctor::storage
