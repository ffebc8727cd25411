#include "client/cli/text/line_stamper.h"

#include "absl/strings/str_cat.h"

namespace proctor::cli {

std::string LineStamper::Stamp(std::string_view piece, absl::Time time) {
  const std::string stamp =
      absl::StrCat(absl::FormatTime("%Y-%m-%dT%H:%M:%E9SZ", time, absl::UTCTimeZone()), " ");
  std::string stamped;
  while (!piece.empty()) {
    if (!in_line_) stamped += stamp;
    const size_t newline = piece.find('\n');
    in_line_ = newline == std::string_view::npos;
    const size_t size = in_line_ ? piece.size() : newline + 1;
    stamped.append(piece.data(), size);
    piece.remove_prefix(size);
  }
  return stamped;
}

}  // namespace proctor::cli
