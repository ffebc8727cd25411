#pragma once

#include <string>

namespace proctor {

// A new id: 128 random bits of getrandom(2) in 26 characters of lower case
// Crockford base32, never used before. The first one is a digit, since 26 would hold 130 bits.
// Safe from any thread.
std::string NewRandomId();

}  // namespace proctor
