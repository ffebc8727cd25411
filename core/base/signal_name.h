#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace proctor {

// Signals by name. Pure functions, safe from any thread.

// "SIGKILL" for 9, "SIGRTMIN+2" for real-time signals, "SIG63" for a number
// without a name.
std::string SignalName(int signal);

// Returns the number of "TERM", "SIGTERM", "sigterm", "15", "RTMIN+2" and every result of
// SignalName; nothing for a signal that this platform does not know, 0 included.
std::optional<int> ParseSignal(std::string_view text);

}  // namespace proctor
