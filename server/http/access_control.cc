#include "server/http/access_control.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/error.h"
#include "server/http/error_json.h"

namespace proctor::server::http {
namespace {

constexpr char kSignInPage[] =
    "<!doctype html>\n"
    "<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Proctor: sign in</title></head>\n"
    "<body><h1>Proctor</h1>\n"
    "<p>This server wants its token. Open the URL that <code>proctord</code> wrote to its log\n"
    "when it started: the line begins with <code>dashboard url=</code>.</p></body></html>\n";

std::string Lower(std::string_view text) {
  return absl::AsciiStrToLower(absl::string_view(text.data(), text.size()));
}

// "Host:80" and "[::1]:80" in two; the port is `default_port` where there is none.
std::pair<std::string, std::string> SplitHost(std::string_view text,
                                              std::string_view default_port) {
  const size_t colon = text.rfind(':');
  const size_t bracket = text.rfind(']');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  std::string_view host = text.substr(0, has_port ? colon : text.size());
  const std::string_view port = has_port ? text.substr(colon + 1) : default_port;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return {Lower(host), std::string(port)};
}

// The same words whatever was wrong, so that they tell nothing.
Response Unauthenticated(const Request& request) {
  const absl::Status error =
      MakeError(absl::StatusCode::kUnauthenticated, "TOKEN_REQUIRED",
                "this server wants its token: open the URL that proctord logged at its start, or "
                "send it as 'Authorization: Bearer TOKEN'");
  Response response = ErrorResponse(error);
  if (request.Header("accept").find("text/html") != std::string_view::npos) {
    response.content_type = "text/html; charset=utf-8";
    response.body = kSignInPage;
  }
  response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"proctor\"");
  return response;
}

Response Refused(const char* reason, const char* message) {
  return ErrorResponse(MakeError(absl::StatusCode::kPermissionDenied, reason, message));
}

}  // namespace

AccessControl::AccessControl(Options options)
    : options_([](Options given) {
        for (std::string& host : given.bound_hosts) host = Lower(host);
        for (std::string& host : given.allowed_hosts) host = Lower(host);
        for (const char* own : {"localhost", "127.0.0.1", "::1"}) given.bound_hosts.push_back(own);
        return given;
      }(std::move(options))),
      cookie_name_(absl::StrCat("proctor_", options_.port)) {}

bool AccessControl::IsOwnHost(std::string_view host, std::string_view default_port) const {
  const auto [name, port] = SplitHost(host, default_port);
  const auto contains = [&name = name](const std::vector<std::string>& hosts) {
    return std::find(hosts.begin(), hosts.end(), name) != hosts.end();
  };
  if (contains(options_.allowed_hosts)) return true;
  return port == absl::StrCat(options_.port) && contains(options_.bound_hosts);
}

bool AccessControl::IsOwnOrigin(std::string_view origin) const {
  for (const auto& [scheme, port] : {std::pair{"http://", "80"}, std::pair{"https://", "443"}}) {
    const std::string_view prefix = scheme;
    if (origin.substr(0, prefix.size()) == prefix) {
      return IsOwnHost(origin.substr(prefix.size()), port);
    }
  }
  return false;  // "null" of a sandboxed page, too
}

bool AccessControl::IsToken(std::string_view text) const {
  return text.size() == options_.token.size() &&
         CRYPTO_memcmp(text.data(), options_.token.data(), text.size()) == 0;
}

bool AccessControl::HasCookie(std::string_view cookies) const {
  for (absl::string_view cookie :
       absl::StrSplit(absl::string_view(cookies.data(), cookies.size()), ';')) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(absl::StripAsciiWhitespace(cookie), absl::MaxSplits('=', 1));
    if (pair.first == cookie_name_ && IsToken({pair.second.data(), pair.second.size()})) {
      return true;
    }
  }
  return false;
}

std::optional<Response> AccessControl::Check(const Request& request,
                                             const RequestTarget& target) const {
  if (request.method != "GET" && request.method != "HEAD") {
    Response response = ErrorResponse(
        MakeError(absl::StatusCode::kUnimplemented, "METHOD_NOT_ALLOWED", "only GET and HEAD"),
        405);
    response.headers.emplace_back("Allow", "GET, HEAD");
    return response;
  }
  // They tell nobody anything, and a probe of Kubernetes names whatever address it found.
  if (target.path == "/healthz" || target.path == "/readyz") return std::nullopt;
  if (!IsOwnHost(request.Header("host"), "80")) {
    return Refused("HOST_NOT_ALLOWED",
                   "the Host header names none of this server's addresses; --http-host adds one");
  }
  if (request.headers.count("origin") != 0 && !IsOwnOrigin(request.Header("origin"))) {
    return Refused("ORIGIN_NOT_ALLOWED", "the Origin header is of another site");
  }
  return CheckToken(request, target);
}

std::optional<Response> AccessControl::CheckToken(const Request& request,
                                                  const RequestTarget& target) const {
  for (const Query::Parameter& parameter : target.parameters) {
    if (parameter.name != "token") continue;
    if (!IsToken(parameter.value)) return Unauthenticated(request);
    Response response;
    response.status = 303;
    response.headers.emplace_back("Location", FormatTargetWithout(target, "token"));
    response.headers.emplace_back(
        "Set-Cookie",
        absl::StrCat(cookie_name_, "=", options_.token, "; HttpOnly; SameSite=Strict; Path=/"));
    return response;
  }
  constexpr std::string_view kBearer = "bearer ";
  const std::string_view authorization = request.Header("authorization");
  if (Lower(authorization.substr(0, kBearer.size())) == kBearer &&
      IsToken(authorization.substr(kBearer.size()))) {
    return std::nullopt;
  }
  if (HasCookie(request.Header("cookie"))) return std::nullopt;
  return Unauthenticated(request);
}

}  // namespace proctor::server::http
