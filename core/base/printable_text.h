#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace proctor {

// UTF-8, and text from elsewhere as a terminal may have it: nothing in it is a command to the
// terminal, changes the direction of what stands beside it, or is not seen at all.
//
// Printable are all characters of Unicode but: controls (Cc), the separators of lines and
// paragraphs (Zl, Zp), annotations (U+FFF9 to U+FFFB), and those that a font shows as nothing
// (Default_Ignorable_Code_Point), which all marks of direction are.
//
// Thread-safety: pure functions, from any thread. Errors: none.

struct Character {
  char32_t code = 0;
  size_t length = 0;  // in bytes; 0 where the text does not begin with well-formed UTF-8
};

// The first character of a text that is not empty.
Character FirstCharacter(std::string_view text);

// The position of the first byte that is not UTF-8; none if all are.
std::optional<size_t> FindInvalidUtf8(std::string_view text);

// How many of the first `size` bytes make whole characters. `size` is less than that of the text.
size_t WholeCharacters(std::string_view text, size_t size);

bool IsPrintable(char32_t code);

// On one line, with "\n", "\t", and "\xNN" for each byte of what else is not printable or no UTF-8.
std::string Printable(std::string_view text);

// Appends "\uNNNN", twice for what is beyond U+FFFF, as JSON has it.
void AppendJsonEscape(char32_t code, std::string* out);

// JSON that means the same, with escapes for what is not printable in its strings. The text between
// the strings, line breaks included, stays as it is.
std::string PrintableJson(std::string_view json);

}  // namespace proctor
