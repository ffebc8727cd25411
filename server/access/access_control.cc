#include "server/access/access_control.h"

#include <openssl/crypto.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "proctor/error.h"
#include "server/access/cookie.h"
#include "server/access/process_action.h"
#include "server/http/error_json.h"
#include "server/page/static_files.h"

namespace proctor::server::http {
namespace {

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

// Whether the page POSTs to this target; a browser lets no other site do so unasked.
bool IsPosted(const RequestTarget& target) {
  return target.path == "/login" || target.path == "/logout" || ParseAction(target).has_value();
}

// The files of the page hold no secret, and the page can send no header before it is loaded.
bool IsPublic(const std::string& path) {
  return path == "/login" || path == "/" || FindStaticFile(path.substr(1)) != nullptr;
}

bool IsToken(std::string_view text, const std::string& token) {
  return !token.empty() && text.size() == token.size() &&
         CRYPTO_memcmp(text.data(), token.data(), text.size()) == 0;
}

// Whether the browser came by TLS, which ends at a proxy: the browser says it, or the proxy does.
bool IsBehindTls(const Request& request) {
  return request.Header("origin").substr(0, 8) == "https://" ||
         Lower(request.Header("x-forwarded-proto")) == "https";
}

// The same words for every mistake, so that they reveal nothing.
Response Unauthenticated() {
  const absl::Status error =
      MakeError(absl::StatusCode::kUnauthenticated, Reason::kTokenRequired,
                "you are not signed in: open the link that 'proctor dashboard' prints, or send "
                "what is in the server's token file as 'Authorization: Bearer TOKEN'");
  Response response = ErrorResponse(error);
  response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"proctor\"");
  return response;
}

Response Unauthenticated(const Request& request) {
  Response response = Unauthenticated();
  if (request.Header("accept").find("text/html") != std::string_view::npos) {
    response.content_type = "text/html; charset=utf-8";
    response.body = std::string(FindStaticFile("sign_in.html")->content);
  }
  return response;
}

Response Refused(Reason reason, std::string_view message) {
  return ErrorResponse(MakeError(absl::StatusCode::kPermissionDenied, reason, message));
}

}  // namespace

AccessControl::AccessControl(Options options, Logins* logins)
    : options_([](Options given) {
        for (std::string& host : given.bound_hosts) host = Lower(host);
        for (std::string& host : given.allowed_hosts) host = Lower(host);
        for (const char* own : {"localhost", "127.0.0.1", "::1"}) given.bound_hosts.push_back(own);
        return given;
      }(std::move(options))),
      cookie_name_(absl::StrCat("proctor_", options_.port)),
      logins_(logins) {}

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

AccessControl::Verdict AccessControl::Check(const Request& request,
                                            const RequestTarget& target) const {
  const bool is_posted = IsPosted(target);
  if (is_posted ? request.method != "POST" : request.method != "GET" && request.method != "HEAD") {
    const std::string allowed = is_posted ? "POST" : "GET, HEAD";
    Response response =
        ErrorResponse(MakeError(absl::StatusCode::kUnimplemented, Reason::kMethodNotAllowed,
                                is_posted ? "only POST" : "only GET and HEAD"),
                      405);
    response.headers.emplace_back("Allow", allowed);
    return {std::move(response), {}};
  }
  // They reveal nothing, and a probe of Kubernetes names any address that it found.
  if (target.path == "/healthz" || target.path == "/readyz") return {};
  if (!IsOwnHost(request.Header("host"), "80")) {
    return {Refused(Reason::kHostNotAllowed,
                    "the Host header names none of this server's addresses; --http-host adds one"),
            {}};
  }
  if (request.headers.count("origin") != 0 && !IsOwnOrigin(request.Header("origin"))) {
    return {Refused(Reason::kOriginNotAllowed, "the Origin header is of another site"), {}};
  }
  if (IsPublic(target.path)) return {};
  const bool acts = ParseAction(target).has_value();
  if (target.path != "/logout" && HasToken(request, target)) {
    return {RefuseAction(acts, {}), {}, true, absl::StrCat("http token of ", request.peer)};
  }
  std::optional<Logins::Id> login = FindLogin(request);
  if (!login.has_value()) return {Unauthenticated(request), {}};
  if (acts && request.headers.count("origin") == 0) {
    return {
        Refused(Reason::kOriginNotAllowed, "what acts comes with an Origin, as browsers send it"),
        {}};
  }
  std::string caller = absl::StrCat("http login ", Logins::NameOf(*login), " of ", request.peer);
  return {RefuseAction(acts, login), std::move(login), true, std::move(caller)};
}

std::optional<Response> AccessControl::CheckAgain(const std::optional<Logins::Id>& login) const {
  if (login.has_value() && !logins_->IsOpen(*login)) return Unauthenticated();
  return RefuseAction(/*acts=*/true, login);
}

std::string AccessControl::WhyOnlyLook(const std::optional<Logins::Id>& login) const {
  if (options_.actions == HttpActions::kNone) {
    return "this server lets nobody act over HTTP (--http-actions=none)";
  }
  if (login.has_value()) {
    return logins_->MayAct(*login) ? ""
                                   : "you are signed in to look only: open a link that 'proctor "
                                     "dashboard' prints to act, too";
  }
  return options_.actions == HttpActions::kToken
             ? ""
             : "a token only looks, where the server is not started with --http-actions=token";
}

std::optional<Response> AccessControl::RefuseAction(bool acts,
                                                    const std::optional<Logins::Id>& login) const {
  if (!acts) return std::nullopt;
  const std::string why = WhyOnlyLook(login);
  if (why.empty()) return std::nullopt;
  return Refused(Reason::kMayOnlyLook, why);
}

bool AccessControl::HasToken(const Request& request, const RequestTarget& target) const {
  constexpr std::string_view kBearer = "bearer ";
  const std::string_view authorization = request.Header("authorization");
  if (Lower(authorization.substr(0, kBearer.size())) != kBearer) return false;
  const std::string_view token = authorization.substr(kBearer.size());
  return IsToken(token, options_.token) ||
         (target.path == "/metrics" && IsToken(token, options_.metrics_token));
}

std::optional<Logins::Id> AccessControl::FindLogin(const Request& request) const {
  const std::string_view proof = request.Header("proctor-proof");
  for (const std::string_view cookie : FindCookies(request.Header("cookie"), cookie_name_)) {
    if (auto login = logins_->Find(cookie, proof)) return login;
  }
  return std::nullopt;
}

Response AccessControl::LogIn(const Request& request) const {
  const auto secrets = logins_->LogIn(request.Header("proctor-code"),
                                      FindCookies(request.Header("cookie"), cookie_name_));
  if (!secrets.has_value()) {
    return ErrorResponse(MakeError(
        absl::StatusCode::kUnauthenticated, Reason::kLoginCodeInvalid,
        absl::StrCat(
            "this link was used already, is older than ", absl::FormatDuration(Logins::kCodeLife),
            ", or is of an earlier run of the server: 'proctor dashboard' prints another")));
  }
  const bool may_act = secrets->role == Role::kAct && options_.actions != HttpActions::kNone;
  spdlog::info("dashboard login begun login={} may_act={} peer={} logins={}", secrets->name,
               may_act, request.peer, logins_->size());
  Response response;
  response.content_type = "application/json";
  response.body = absl::StrCat("{\"proof\":\"", secrets->proof,
                               "\",\"may_act\":", may_act ? "true" : "false", "}\n");
  response.headers.emplace_back("Set-Cookie",
                                FormatCookie(cookie_name_, secrets->cookie, IsBehindTls(request)));
  return response;
}

Response AccessControl::LogOut(const Request& request, const Logins::Id& login) const {
  logins_->LogOut(login);
  spdlog::info("dashboard login ended login={} logins={}", Logins::NameOf(login), logins_->size());
  Response response;
  response.content_type = "application/json";
  response.body = "{}\n";
  response.headers.emplace_back("Set-Cookie", FormatCookieEnd(cookie_name_, IsBehindTls(request)));
  return response;
}

}  // namespace proctor::server::http
