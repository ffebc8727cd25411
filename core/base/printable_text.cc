#include "core/base/printable_text.h"

#include <algorithm>
#include <iterator>

namespace proctor {
namespace {

constexpr char kHex[] = "0123456789abcdef";

struct Range {
  char32_t first;
  char32_t last;
};

// In their order, as of Unicode 15. What is reserved for more of the kind is in them, too.
constexpr Range kNotPrintable[] = {
    {0x00, 0x1F},     {0x7F, 0x9F},       {0xAD, 0xAD},       {0x34F, 0x34F},     {0x61C, 0x61C},
    {0x115F, 0x1160}, {0x17B4, 0x17B5},   {0x180B, 0x180F},   {0x200B, 0x200F},   {0x2028, 0x202E},
    {0x2060, 0x206F}, {0x3164, 0x3164},   {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},
    {0xFFF0, 0xFFFB}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
};

void AppendEscaped(unsigned char byte, std::string* out) {
  if (byte == '\n') {
    out->append("\\n");
  } else if (byte == '\t') {
    out->append("\\t");
  } else {
    out->append({'\\', 'x', kHex[byte >> 4], kHex[byte & 0xF]});
  }
}

void AppendCodeUnit(char32_t unit, std::string* out) {
  out->append({'\\', 'u', kHex[unit >> 12], kHex[unit >> 8 & 0xF], kHex[unit >> 4 & 0xF],
               kHex[unit & 0xF]});
}

}  // namespace

Character FirstCharacter(std::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return {};
  char32_t code = first & (0xFF >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3F);
  }
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < kLeast[length] || is_surrogate || code > 0x10FFFF) return {};
  return {code, length};
}

std::optional<size_t> FindInvalidUtf8(std::string_view text) {
  for (size_t position = 0; position < text.size();) {
    const size_t length = FirstCharacter(text.substr(position)).length;
    if (length == 0) return position;
    position += length;
  }
  return std::nullopt;
}

size_t WholeCharacters(std::string_view text, size_t size) {
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return size;
}

bool IsPrintable(char32_t code) {
  if (code >= 0x20 && code < 0x7F) return true;
  const auto* const range =
      std::lower_bound(std::begin(kNotPrintable), std::end(kNotPrintable), code,
                       [](const Range& each, char32_t value) { return each.last < value; });
  return range == std::end(kNotPrintable) || code < range->first;
}

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character next = FirstCharacter(text);
    const std::string_view bytes = text.substr(0, std::max<size_t>(next.length, 1));
    if (next.length > 0 && IsPrintable(next.code)) {
      out.append(bytes);
    } else {
      for (const char byte : bytes) AppendEscaped(static_cast<unsigned char>(byte), &out);
    }
    text.remove_prefix(bytes.size());
  }
  return out;
}

void AppendJsonEscape(char32_t code, std::string* out) {
  if (code <= 0xFFFF) return AppendCodeUnit(code, out);
  AppendCodeUnit(0xD800 + ((code - 0x10000) >> 10), out);
  AppendCodeUnit(0xDC00 + ((code - 0x10000) & 0x3FF), out);
}

std::string PrintableJson(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const Character next = FirstCharacter(json);
    const std::string_view bytes = json.substr(0, std::max<size_t>(next.length, 1));
    // JSON allows nothing below U+0020 in a string, so that what there is stands between them.
    if (next.length == 0) {
      AppendJsonEscape(0xFFFD, &out);  // the replacement character
    } else if (next.code < 0x20 || IsPrintable(next.code)) {
      out.append(bytes);
    } else {
      AppendJsonEscape(next.code, &out);
    }
    json.remove_prefix(bytes.size());
  }
  return out;
}

}  // namespace proctor
