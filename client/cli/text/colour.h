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

// Whether `descriptor` is a terminal, and TERM does not say that it is a dumb one.
bool ObeysEscapes(int descriptor);

// Whether what is written to `descriptor` is coloured. kAuto: if it obeys escapes, and
// NO_COLOR is empty or unset (no-color.org).
bool IsColoured(ColourWhen when, int descriptor);

// `text` in this colour.
std::string Paint(Colour colour, std::string_view text);

}  // namespace proctor::cli
