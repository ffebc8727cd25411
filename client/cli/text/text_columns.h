#pragma once

#include <cstddef>
#include <string_view>

namespace proctor::cli {

// The width of text on a terminal.
//
// Thread-safe.

// The columns of one character: 2 of most East Asian ones and emoji, 0 of marks that stand above or
// below the one before. The same whatever the user's locale is: what we print is UTF-8. 1 of each
// where libc has no C.UTF-8.
size_t CharacterColumns(char32_t code);

// The columns of all characters; 1 for each byte that is not UTF-8.
size_t TextColumns(std::string_view text);

}  // namespace proctor::cli
