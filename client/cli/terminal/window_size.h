#pragma once

#include <optional>

#include "proctor/v1/process.pb.h"

namespace proctor::cli {

// The size of the window that shows our own terminal.
//
// Thread-safe.

// The size of the first of our standard streams that is a terminal and has one (TIOCGWINSZ); none
// when there is none.
std::optional<v1::TerminalSize> WindowSize();

bool SameSize(const v1::TerminalSize& a, const v1::TerminalSize& b);

}  // namespace proctor::cli
