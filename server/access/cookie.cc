#include "server/access/cookie.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace proctor::server::http {
namespace {

constexpr absl::string_view kAttributes = "; HttpOnly; SameSite=Strict; Path=/";

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

std::vector<std::string_view> FindCookies(std::string_view header, std::string_view name) {
  std::vector<std::string_view> values;
  for (absl::string_view cookie : absl::StrSplit(View(header), ';')) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(absl::StripAsciiWhitespace(cookie), absl::MaxSplits('=', 1));
    if (pair.first == View(name)) values.emplace_back(pair.second.data(), pair.second.size());
  }
  return values;
}

std::string FormatCookie(std::string_view name, std::string_view value, bool secure) {
  return absl::StrCat(View(name), "=", View(value), kAttributes, secure ? "; Secure" : "");
}

std::string FormatCookieEnd(std::string_view name, bool secure) {
  return absl::StrCat(FormatCookie(name, "", secure), "; Max-Age=0");
}

}  // namespace proctor::server::http
