#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace proctor {

struct Command;

// What of a command's argv and environment is shown where many commands are: in lists, events
// and snapshots. The rest is to be had of the process itself.

// So many bytes of the argv, and as many of the variables' names.
inline constexpr size_t kExcerptBytes = 4096;

// What is not shown.
struct OmittedParts {
  uint64_t arguments = 0;  // the last ones of the argv
  uint64_t variables = 0;  // the last ones by name
  uint64_t bytes = 0;      // of these, and of a string that was cut

  bool any() const { return bytes > 0 || arguments > 0 || variables > 0; }
  bool operator==(const OmittedParts&) const = default;
};

// The first arguments, as many as there is room for; the last of them may be cut, not within a
// character. Adds to `omitted`. Pure functions.
std::vector<std::string> ExcerptArguments(const std::vector<std::string>& argv,
                                          OmittedParts* omitted);
std::vector<std::string> ExcerptVariables(const std::map<std::string, std::string>& env,
                                          OmittedParts* omitted);

// What of a specification counts as kept output: what is larger than lists show of it. A pure
// function.
uint64_t SpecificationUse(const Command& command);

}  // namespace proctor
