#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace proctor {

// The paths at which a program may be found, in the order in which execvp(3)
// tries them: `program` alone if it has a slash, else once for each entry of
// `path`, the PATH of the new process, or of the usual directories where it has
// none. An empty entry is the working directory of the new process, as in POSIX.
// Nothing is looked up here: the paths are relative to that directory, and only
// an exec can tell. A pure function, safe from any thread.
std::vector<std::string> ExecutableCandidates(std::string_view program,
                                              std::optional<std::string_view> path);

}  // namespace proctor
