#pragma once

#include <string>
#include <string_view>

namespace proctor {

// Words of a caller as an error message may show them: what is not printable
// (printable_text.h), quotes and backslashes escaped, and cut to 200 bytes, because a
// status travels in HTTP/2 headers, which are small. A pure function, safe from any thread.
std::string Excerpt(std::string_view text);

}  // namespace proctor
