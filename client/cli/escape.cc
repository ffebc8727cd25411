#include "client/cli/escape.h"

#include <cstdint>

#include "absl/strings/str_cat.h"

namespace proctor::cli {
namespace {

// The length of the well-formed UTF-8 character at the start of `text`, or 0.
size_t CharacterLength(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!continues(1) || !continues(2)) return 0;
    if (first == 0xE0 && byte(1) < 0xA0) return 0;  // Overlong.
    if (first == 0xED && byte(1) > 0x9F) return 0;  // A surrogate.
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    if (first == 0xF0 && byte(1) < 0x90) return 0;  // Overlong.
    if (first == 0xF4 && byte(1) > 0x8F) return 0;  // Beyond Unicode.
    return 4;
  }
  return 0;
}

void AppendEscaped(unsigned char byte, std::string* out) {
  if (byte == '\n') {
    out->append("\\n");
  } else if (byte == '\t') {
    out->append("\\t");
  } else {
    absl::StrAppend(out, "\\x", absl::Hex(byte, absl::kZeroPad2));
  }
}

bool IsControl(std::string_view character) {
  const unsigned char first = character[0];
  if (character.size() == 1) return first < 0x20 || first == 0x7F;
  // U+0080 to U+009F, which some terminals obey.
  return first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
}

}  // namespace

std::string EscapeControls(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t length = CharacterLength(text);
    const std::string_view character = text.substr(0, length == 0 ? 1 : length);
    if (length == 0 || IsControl(character)) {
      for (unsigned char byte : character) AppendEscaped(byte, &out);
    } else {
      out.append(character);
    }
    text.remove_prefix(character.size());
  }
  return out;
}

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
  return EscapeControls(line);
}

std::string CommandText(const v1::Process& process) {
  std::string text = CommandText(process.spec().argv());
  const v1::OmittedSpec& omitted = process.spec_omitted();
  if (omitted.arguments() > 0 || omitted.bytes() > 0) text += " …";
  return text;
}

std::string Truncate(std::string text, size_t columns) {
  size_t position = 0;
  size_t last = 0;
  for (size_t column = 0; position < text.size(); ++column) {
    if (column == columns) {
      text.resize(last);
      return columns == 0 ? std::string() : text + "…";
    }
    last = position;
    const size_t length = CharacterLength(std::string_view(text).substr(position));
    position += length == 0 ? 1 : length;
  }
  return text;
}

std::optional<size_t> FindInvalidUtf8(std::string_view text) {
  for (size_t position = 0; position < text.size();) {
    const size_t length = CharacterLength(text.substr(position));
    if (length == 0) return position;
    position += length;
  }
  return std::nullopt;
}

}  // namespace proctor::cli
