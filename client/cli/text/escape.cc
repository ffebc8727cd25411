#include "client/cli/text/escape.h"

#include <algorithm>

#include "client/cli/text/text_columns.h"
#include "core/base/printable_text.h"

namespace proctor::cli {

std::string CommandText(const google::protobuf::RepeatedPtrField<std::string>& argv) {
  std::string line;
  for (const std::string& argument : argv) {
    if (!line.empty()) line.push_back(' ');
    if (!argument.empty() &&
        argument.find_first_of(" \t\n'\"\\$&|;<>()*?#`") == std::string::npos) {
      line += argument;
      continue;
    }
    line.push_back('\'');
    for (char c : argument) {
      if (c == '\'') {
        line += "'\\''";
      } else {
        line.push_back(c);
      }
    }
    line.push_back('\'');
  }
  return Printable(line);
}

std::string CommandText(const v1::Process& process) {
  std::string text = CommandText(process.spec().argv());
  const v1::OmittedSpec& omitted = process.spec_omitted();
  if (omitted.arguments() > 0 || omitted.bytes() > 0) text += " …";
  return text;
}

std::string Truncate(std::string text, size_t columns) {
  if (columns == 0) return "";
  size_t used = 0;
  // Leaves a column for the mark.
  size_t fits = 0;
  for (size_t position = 0; position < text.size();) {
    const Character first = FirstCharacter(std::string_view(text).substr(position));
    used += first.length == 0 ? 1 : CharacterColumns(first.code);
    if (used > columns) {
      text.resize(fits);
      return text + "…";
    }
    position += std::max<size_t>(first.length, 1);
    if (used < columns) fits = position;
  }
  return text;
}

}  // namespace proctor::cli
