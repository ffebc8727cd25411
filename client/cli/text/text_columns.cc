#include "client/cli/text/text_columns.h"

#include <locale.h>
#include <wchar.h>

#include "core/base/printable_text.h"

namespace proctor::cli {

size_t CharacterColumns(char32_t code) {
  // ASCII needs no locale.
  if (code < 0x80) return 1;
  static const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (utf8 == nullptr) return 1;
  // Of this thread alone.
  const locale_t before = uselocale(utf8);
  const int columns = wcwidth(static_cast<wchar_t>(code));
  uselocale(before);
  return columns < 0 ? 1 : static_cast<size_t>(columns);
}

size_t TextColumns(std::string_view text) {
  size_t columns = 0;
  while (!text.empty()) {
    const Character first = FirstCharacter(text);
    columns += first.length == 0 ? 1 : CharacterColumns(first.code);
    text.remove_prefix(first.length == 0 ? 1 : first.length);
  }
  return columns;
}

}  // namespace proctor::cli
