#pragma once

#include <string>
#include <string_view>

namespace proctor::cli {

// Colours on terminals.
//
// Pure functions of their arguments, the environment and what a descriptor is; thread-safe.

enum class Colour { kNone, kGreen, kYellow, kRed };

// --color.
enum class ColourWhen { kAuto, kAlways, kNever };

// Whether `descriptor` is a terminal, and no dumb one by TERM.
bool ObeysEscapes(int descriptor);

// Whether output to `descriptor` is coloured. kAuto: when it obeys escapes, and NO_COLOR is empty
// or unset (no-color.org).
bool IsColoured(ColourWhen when, int descriptor);

// `text` in this colour.
std::string Paint(Colour colour, std::string_view text);

}  // namespace proctor::cli
