#include "core/spawn/executable_search.h"

#include <limits.h>

namespace proctor {
namespace {

constexpr std::string_view kUsualPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

}  // namespace

std::vector<std::string> ExecutableCandidates(std::string_view program,
                                              std::optional<std::string_view> path) {
  if (program.find('/') != std::string_view::npos) return {std::string(program)};
  std::vector<std::string> candidates;
  std::string_view rest = path.value_or(kUsualPath);
  while (true) {
    std::string_view entry = rest.substr(0, rest.find(':'));
    // An entry that is too long for any path is passed over, as execvp(3) does.
    if (entry.size() < PATH_MAX) {
      std::string& candidate = candidates.emplace_back(entry);
      if (!entry.empty()) candidate += '/';
      candidate += program;
    }
    if (entry.size() == rest.size()) return candidates;
    rest.remove_prefix(entry.size() + 1);
  }
}

}  // namespace proctor
