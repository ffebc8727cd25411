#include "server/call/page_token.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "proctor/error.h"

namespace proctor::server {
namespace {

constexpr size_t kDefaultSize = 100;
constexpr size_t kMostSize = 1000;

// FNV-1a: tells filters apart; it need not resist attacks.
uint64_t Fingerprint(std::string_view text) {
  uint64_t hash = 14695981039346656037u;
  for (const unsigned char c : text) hash = (hash ^ c) * 1099511628211u;
  return hash;
}

}  // namespace

std::string MakePageToken(uint64_t ordinal, std::string_view filter) {
  return absl::WebSafeBase64Escape(absl::StrCat("1:", ordinal, ":", Fingerprint(filter)));
}

absl::StatusOr<Page> ReadPage(int32_t page_size, std::string_view page_token,
                              std::string_view filter) {
  if (page_size < 0) return InvalidField("page_size", "is negative");
  Page page;
  page.size = page_size == 0 ? kDefaultSize : std::min<size_t>(page_size, kMostSize);
  if (page_token.empty()) return page;
  std::string text;
  uint64_t fingerprint = 0;
  if (!absl::WebSafeBase64Unescape(absl::string_view(page_token.data(), page_token.size()),
                                   &text)) {
    return InvalidField("page_token", "was not made by this server");
  }
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  if (parts.size() != 3 || parts[0] != "1" || !absl::SimpleAtoi(parts[1], &page.after) ||
      !absl::SimpleAtoi(parts[2], &fingerprint)) {
    return InvalidField("page_token", "was not made by this server");
  }
  if (fingerprint != Fingerprint(filter)) {
    return InvalidField("page_token", "belongs to a request with another filter");
  }
  return page;
}

}  // namespace proctor::server
