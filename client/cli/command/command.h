#pragma once

#include <string>
#include <vector>

namespace proctor::cli {

// The command as a function.
//
// Called once, on the main thread, before there are others.

// Runs the command with `arguments` (without the program's name) and returns the exit code.
int RunCommand(std::vector<std::string> arguments);

}  // namespace proctor::cli
