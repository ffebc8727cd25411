#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace proctor::cli {

// Text for people, broken into lines.
//
// Pure functions; thread-safe.

// The columns that help texts have.
constexpr size_t kHelpColumns = 80;

// Breaks `text` into lines of at most `columns` columns, each with a newline; a longer word has
// a line of its own. An empty line parts paragraphs; other newlines are spaces, but for those
// around a line that begins with a space, which stays as it is. Lines after the first begin with
// `indent` spaces, which count.
std::string Fill(std::string_view text, size_t columns, size_t indent = 0);

}  // namespace proctor::cli
