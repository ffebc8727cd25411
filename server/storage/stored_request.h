#pragma once

#include <string>

#include "core/command/command.h"

namespace proctor::storage {

// What is stored of the command of a request, so that a repetition can be told from another
// request: 64 bits of FNV-1a over the specification with the values of its environment, in the one
// form that a message has. Enough for a slip of a caller, and the same in every build.
// A pure function.
std::string DigestOf(const Command& command);

}  // namespace proctor::storage
