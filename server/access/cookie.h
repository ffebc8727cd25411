#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace proctor::server::http {

// Cookies (RFC 6265). Pure functions; a value has letters, digits and '-' alone.

// The values of this name in a Cookie header: other ports and paths of a host may have set
// some, too.
std::vector<std::string_view> FindCookies(std::string_view header, std::string_view name);

// A Set-Cookie header for what lasts as long as the browser, is hidden from scripts, and
// never goes with a request that another site began. `secure`: never over plain HTTP either.
std::string FormatCookie(std::string_view name, std::string_view value, bool secure);

// A Set-Cookie header by which the browser forgets it.
std::string FormatCookieEnd(std::string_view name, bool secure);

}  // namespace proctor::server::http
