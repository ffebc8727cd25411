#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proctor::server::http {

// One request and one answer, as values that know no socket (RFC 9110, RFC 9112).
//
// Thread-safety: values. Lifetime: plain values.

struct Request {
  std::string method;
  std::string target;                          // as sent: "/v1/events?type=PROCESS_EXITED"
  std::map<std::string, std::string> headers;  // by lower-case name; repeated ones joined by ", "
  std::string peer = {};                       // the address at the other end: "10.0.0.7:5123"

  // The value of a header, or "" without it.
  std::string_view Header(std::string_view lower_case_name) const;

  // Whether the end of the request's body is known. With a Transfer-Encoding that is so only when
  // "chunked" is the last coding, and named once (RFC 9112, 6.3).
  bool HasKnownEnd() const;
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers;  // besides those of every answer
  std::string body;
};

// How an answer shows its end.
enum class Framing {
  kLength,  // by Content-Length; the connection goes on
  kLast,    // by Content-Length; the connection is closed
  kStream,  // by the end of the connection
};

// The status line and the headers of an answer, with those that every answer has: what
// a browser must not do with it, and that it must not be kept.
std::string FormatHead(const Response& response, Framing framing);

// A piece of an answer: written once, shared by all viewers that get the same.
using Frame = std::shared_ptr<const std::string>;

}  // namespace proctor::server::http
