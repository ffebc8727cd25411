#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace proctor::server::http {

// Cookies (RFC 6265). Pure functions; a value has letters, digits and '-' alone.

// Returns the values of this name in a Cookie header. There may be several: other ports and paths
// of a host set cookies, too.
std::vector<std::string_view> FindCookies(std::string_view header, std::string_view name);

// Returns a Set-Cookie header. The cookie lasts as long as the browser, is hidden from scripts, and
// never goes with a request that another site began; with `secure`, never over plain HTTP either.
std::string FormatCookie(std::string_view name, std::string_view value, bool secure);

// Returns a Set-Cookie header that makes the browser forget the cookie.
std::string FormatCookieEnd(std::string_view name, bool secure);

}  // namespace proctor::server::http
