#include "client/cli/text/fill.h"

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "client/cli/text/text_columns.h"

namespace proctor::cli {
std::string Fill(std::string_view text, size_t columns, size_t indent) {
  std::string filled;
  // The columns of the line under way; the first one has its indent from the caller.
  size_t used = indent;
  bool empty = true;
  const auto end_line = [&] {
    filled.push_back('\n');
    used = 0;
    empty = true;
  };
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    if (line.empty() || absl::StartsWith(line, " ")) {
      if (!empty) end_line();
      filled.append(line.data(), line.size());
      end_line();
      continue;
    }
    for (const absl::string_view word : absl::StrSplit(line, ' ', absl::SkipEmpty())) {
      const size_t size = TextColumns(std::string_view(word.data(), word.size()));
      if (!empty && used + 1 + size > columns) end_line();
      if (!empty) {
        filled.push_back(' ');
        ++used;
      } else if (used == 0) {
        filled.append(indent, ' ');
        used = indent;
      }
      filled.append(word.data(), word.size());
      used += size;
      empty = false;
    }
  }
  if (!empty) end_line();
  return filled;
}

}  // namespace proctor::cli
