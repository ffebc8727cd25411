#include "core/flags/measure.h"

#include <limits>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

namespace proctor {

std::optional<absl::Duration> ReadDuration(std::string_view text) {
  std::string whole(text);
  const bool is_number = !whole.empty() && whole.find_first_not_of("0123456789.") == whole.npos;
  if (is_number) whole.push_back('s');
  absl::Duration duration;
  if (!absl::ParseDuration(whole, &duration)) return std::nullopt;
  return duration;
}

std::optional<uint64_t> ReadSize(std::string_view text) {
  int shift = 0;
  if (!text.empty()) {
    switch (absl::ascii_toupper(static_cast<unsigned char>(text.back()))) {
      case 'K':
        shift = 10;
        break;
      case 'M':
        shift = 20;
        break;
      case 'G':
        shift = 30;
        break;
      default:
        break;
    }
    if (shift > 0) text.remove_suffix(1);
  }
  const std::optional<uint64_t> count = ReadCount(text);
  if (!count.has_value() || *count > (std::numeric_limits<uint64_t>::max() >> shift)) {
    return std::nullopt;
  }
  return *count << shift;
}

std::optional<uint64_t> ReadCount(std::string_view text) {
  uint64_t count = 0;
  // SimpleAtoi would take spaces and signs as well.
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos ||
      !absl::SimpleAtoi(absl::string_view(text.data(), text.size()), &count)) {
    return std::nullopt;
  }
  return count;
}

}  // namespace proctor
