#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace proctor {

struct Command;

// The part of a command's argv and environment that lists, events and snapshots show. GetProcess
// has the rest.
// Events have only this part from their making on, because 4,096 of them are in memory. The store
// keeps all of a process's specification.

// So many bytes of the argv, and as many of the variables' names.
inline constexpr size_t kExcerptBytes = 4096;

// The parts that are not shown.
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

// The bytes of a specification that count as kept output: those beyond what lists show. A pure
// function.
uint64_t SpecificationUse(const Command& command);

}  // namespace proctor
