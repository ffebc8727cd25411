#include "core/command/excerpt.h"

#include "absl/strings/escaping.h"
#include "core/base/printable_text.h"

namespace proctor {

std::string Excerpt(std::string_view text) {
  constexpr size_t kLongest = 200;
  const size_t size = text.size() > kLongest ? WholeCharacters(text, kLongest) : text.size();
  // Quotes and backslashes first: the excerpt stands between quotes.
  std::string excerpt = Printable(absl::Utf8SafeCHexEscape(absl::string_view(text.data(), size)));
  if (size < text.size()) excerpt += "...";
  return excerpt;
}

}  // namespace proctor
