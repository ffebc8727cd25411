#include "server/http/sse.h"

#include "absl/strings/str_cat.h"

namespace proctor::server::http {

std::string SseFrame(std::string_view name, std::string_view id, std::string_view data) {
  std::string frame;
  frame.reserve(name.size() + id.size() + data.size() + 32);
  if (!name.empty()) frame.append("event: ").append(name).append("\n");
  if (!id.empty()) frame.append("id: ").append(id).append("\n");
  for (;;) {
    const size_t end = data.find('\n');
    frame.append("data: ").append(data.substr(0, end)).append("\n");
    if (end == std::string_view::npos) break;
    data.remove_prefix(end + 1);
  }
  frame.append("\n");
  return frame;
}

std::string SseRetry(int milliseconds) { return absl::StrCat("retry: ", milliseconds, "\n\n"); }

}  // namespace proctor::server::http
