#include "server/http/http_message.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace proctor::server::http {
namespace {

std::string_view StatusText(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return status < 500 ? "Error" : "Internal Server Error";
  }
}

bool Has(const Response& response, std::string_view name) {
  for (const auto& header : response.headers) {
    if (header.first == name) return true;
  }
  return false;
}

// A line break in a value would begin a forged header.
void AppendHeader(std::string_view name, std::string_view value, std::string* head) {
  head->append(name).append(": ");
  for (const char c : value) head->push_back(c == '\r' || c == '\n' ? ' ' : c);
  head->append("\r\n");
}

}  // namespace

std::string_view Request::Header(std::string_view lower_case_name) const {
  const auto found = headers.find(std::string(lower_case_name));
  return found == headers.end() ? std::string_view() : found->second;
}

bool Request::HasKnownEnd() const {
  const auto found = headers.find("transfer-encoding");
  if (found == headers.end()) return true;
  bool is_chunked = false;
  for (const absl::string_view coding : absl::StrSplit(found->second, ',')) {
    const absl::string_view name = absl::StripAsciiWhitespace(coding);
    if (name.empty()) continue;  // as lists may have (RFC 9110, 5.6.1)
    if (is_chunked) return false;
    is_chunked = absl::EqualsIgnoreCase(name, "chunked");
  }
  return is_chunked;
}

std::string FormatHead(const Response& response, Framing framing) {
  std::string head = absl::StrCat("HTTP/1.1 ", response.status, " ",
                                  std::string(StatusText(response.status)), "\r\n");
  AppendHeader("Date",
               absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", absl::Now(), absl::UTCTimeZone()),
               &head);
  AppendHeader("Content-Type", response.content_type, &head);
  if (framing != Framing::kStream && response.status != 304) {
    AppendHeader("Content-Length", absl::StrCat(response.body.size()), &head);
  }
  if (framing != Framing::kLength) AppendHeader("Connection", "close", &head);
  if (!Has(response, "Cache-Control")) AppendHeader("Cache-Control", "no-store", &head);
  AppendHeader("Content-Security-Policy",
               "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
               "object-src 'none'",
               &head);
  AppendHeader("Cross-Origin-Resource-Policy", "same-origin", &head);
  AppendHeader("X-Content-Type-Options", "nosniff", &head);
  AppendHeader("Referrer-Policy", "no-referrer", &head);
  for (const auto& [name, value] : response.headers) AppendHeader(name, value, &head);
  head.append("\r\n");
  return head;
}

}  // namespace proctor::server::http
