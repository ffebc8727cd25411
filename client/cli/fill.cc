#include "client/cli/fill.h"

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace proctor::cli {
namespace {

size_t Characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace

std::string Fill(std::string_view text, size_t columns, size_t indent) {
  std::string filled;
  // The characters of the line under way; the first one has its indent from the caller.
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
      const size_t size = Characters(std::string_view(word.data(), word.size()));
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
