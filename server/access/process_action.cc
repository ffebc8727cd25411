#include "server/access/process_action.h"

#include <vector>

namespace proctor::server::http {

std::optional<ProcessAction> ParseAction(const RequestTarget& target) {
  const std::vector<std::string> path = target.Segments();
  if (path.size() != 3 || path[0] != "v1" || path[1] != "processes") return std::nullopt;
  const size_t colon = path[2].rfind(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  return ProcessAction{path[2].substr(0, colon), path[2].substr(colon + 1)};
}

}  // namespace proctor::server::http
