#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"

namespace proctor::cli {

// Variables of a process as the command line names them: one by one, or in a file.
//
// Thread-safe, but for changes of our own environment meanwhile.

using Variables = std::map<std::string, std::string>;

// Adds `text`, NAME=VALUE, to `*variables`; for NAME alone, our own variable of that name, if there
// is one. INVALID_ARGUMENT, naming the variable, without a name or when it cannot be sent.
absl::Status AddVariable(const std::string& text, Variables* variables);

// Adds each line of the file at `path`, by the rules of docker. Nothing is quoted, and a value goes
// to the end of its line. Empty lines, and those that begin with '#', are comments. White space
// before a name is skipped, and a name has none within. Of two lines the later counts.
// INVALID_ARGUMENT, naming file and line.
absl::Status ReadEnvFile(const std::string& path, Variables* variables);

}  // namespace proctor::cli
