#pragma once

#include <functional>
#include <string_view>

namespace proctor {

// Warnings of the core: things that a person should know and no caller can be
// told, as asyncio's logger.warning. The server sends them to its log.
//
// Thread-safety: all functions from any thread; the handler is called on the
// thread that warns, with no lock held.

using WarningHandler = std::function<void(std::string_view message)>;

// Replaces the handler of warnings; null restores the default, which writes to stderr.
void SetWarningHandler(WarningHandler handler);

void Warn(std::string_view message);

}  // namespace proctor
