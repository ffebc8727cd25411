// The command as a function.
//
// Called once, on the main thread, before there are others.
#ifndef PROCTOR_CLIENT_CLI_COMMAND_H_
#define PROCTOR_CLIENT_CLI_COMMAND_H_

#include <string>
#include <vector>

namespace proctor::cli {

// Does what `arguments` (without the program's name) ask, and returns the exit code.
int RunCommand(std::vector<std::string> arguments);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENT_CLI_COMMAND_H_
