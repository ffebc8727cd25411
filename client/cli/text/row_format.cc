#include "client/cli/text/row_format.h"

#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "core/base/return_if_error.h"

namespace proctor::cli {
namespace {

constexpr char kTable[] = "table ";

// The text of a template outside of fields, with its escapes resolved.
absl::StatusOr<std::string> Unescape(absl::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      result.push_back(text[i]);
      continue;
    }
    const char escaped = i + 1 < text.size() ? text[++i] : '\0';
    if (escaped == 't') {
      result.push_back('\t');
    } else if (escaped == 'n') {
      result.push_back('\n');
    } else if (escaped == '\\') {
      result.push_back('\\');
    } else {
      return absl::InvalidArgumentError("of escapes there are \\t, \\n and \\\\");
    }
  }
  return result;
}

}  // namespace

absl::StatusOr<size_t> FindField(const std::string& name, const std::vector<std::string>& fields) {
  for (size_t i = 0; i < fields.size(); ++i) {
    if (absl::EqualsIgnoreCase(fields[i], name)) return i;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("there is no field '", name, "'; there are ", absl::StrJoin(fields, ", ")));
}

absl::StatusOr<RowFormat> RowFormat::Parse(const std::string& text,
                                           const std::vector<std::string>& fields) {
  RowFormat format;
  absl::string_view rest = text;
  format.is_table_ = absl::ConsumePrefix(&rest, kTable);
  if (rest.empty()) return absl::InvalidArgumentError("the template is empty");
  while (!rest.empty()) {
    const size_t open = rest.find("{{");
    ASSIGN_OR_RETURN(auto literal, Unescape(rest.substr(0, open)));
    if (!literal.empty()) format.pieces_.push_back({literal, std::nullopt});
    if (open == absl::string_view::npos) break;
    const size_t close = rest.find("}}", open);
    if (close == absl::string_view::npos) return absl::InvalidArgumentError("'{{' without '}}'");
    absl::string_view name = absl::StripAsciiWhitespace(rest.substr(open + 2, close - open - 2));
    if (!absl::ConsumePrefix(&name, ".") || name.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("'", rest.substr(open, close + 2 - open),
                                                     "' is not of the form {{.Field}}; --json "
                                                     "prints all there is"));
    }
    ASSIGN_OR_RETURN(const auto field, FindField(std::string(name), fields));
    format.pieces_.push_back({"", field});
    rest.remove_prefix(close + 2);
  }
  return format;
}

std::string RowFormat::Apply(const std::function<std::string(size_t)>& value) const {
  std::string line;
  for (const Piece& piece : pieces_) {
    line += piece.field.has_value() ? value(*piece.field) : piece.literal;
  }
  return line;
}

std::vector<std::string> RowFormat::Cells(const std::function<std::string(size_t)>& value) const {
  std::vector<std::string> cells(1);
  for (const Piece& piece : pieces_) {
    if (piece.field.has_value()) {
      cells.back() += value(*piece.field);
      continue;
    }
    for (const char c : piece.literal) {
      if (c == '\t') {
        cells.emplace_back();
      } else {
        cells.back().push_back(c);
      }
    }
  }
  return cells;
}

}  // namespace proctor::cli
