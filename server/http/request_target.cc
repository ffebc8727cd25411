#include "server/http/request_target.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "core/base/printable_text.h"
#include "proctor/error.h"

namespace proctor::server::http {
namespace {

absl::Status Malformed(std::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, Reason::kMalformedTarget, message);
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsText(std::string_view text) {
  return text.find('\0') == std::string_view::npos && !FindInvalidUtf8(text).has_value();
}

// Returns nothing for a bad escape, and when the decoded text is none.
std::optional<std::string> Decode(std::string_view text, bool plus_is_blank) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_blank) {
      decoded.push_back(' ');
    } else if (text[i] != '%') {
      decoded.push_back(text[i]);
    } else {
      if (text.size() - i < 3) return std::nullopt;
      const int high = HexDigit(text[i + 1]);
      const int low = HexDigit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      decoded.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    }
  }
  if (!IsText(decoded)) return std::nullopt;
  return decoded;
}

}  // namespace

std::vector<std::string> RequestTarget::Segments() const {
  if (path == "/") return {};
  return absl::StrSplit(path.substr(1), '/');
}

absl::StatusOr<RequestTarget> ParseTarget(std::string_view target) {
  if (target.empty() || target.front() != '/') {
    return Malformed("a target begins with a slash");
  }
  const size_t mark = target.find('?');
  RequestTarget result;
  auto path = Decode(target.substr(0, mark), /*plus_is_blank=*/false);
  if (!path.has_value()) return Malformed("the path is not percent-encoded UTF-8");
  result.path = *std::move(path);
  if (result.path.find("//") != std::string::npos) {
    return Malformed("the path has an empty segment");
  }
  for (const char c : result.path) {
    if (absl::ascii_iscntrl(static_cast<uint8_t>(c))) {
      return Malformed("the path has a control character");
    }
  }
  if (mark == std::string_view::npos) return result;
  const std::vector<std::string> pieces =
      absl::StrSplit(std::string(target.substr(mark + 1)), '&', absl::SkipEmpty());
  for (const std::string_view piece : pieces) {
    const size_t equals = std::min(piece.find('='), piece.size());
    auto name = Decode(piece.substr(0, equals), /*plus_is_blank=*/true);
    auto value = Decode(piece.substr(std::min(equals + 1, piece.size())), /*plus_is_blank=*/true);
    if (!name.has_value() || !value.has_value()) {
      return Malformed("the query is not percent-encoded UTF-8");
    }
    result.parameters.push_back({*std::move(name), *std::move(value)});
  }
  return result;
}

}  // namespace proctor::server::http
