#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/access/logins.h"
#include "server/http/http_message.h"
#include "server/http/request_target.h"

namespace proctor::server::http {

// Who may do over HTTP more than look.
enum class HttpActions {
  kNone,   // nobody
  kLogin,  // browsers that a link signed in to act
  kToken,  // and whoever shows the token that opens all
};

// Who may ask: whoever knows a token or is signed in, by way of a name that is the server's own.
//
// The names keep out web pages of others. A page can make a browser send requests to
// this server, and by a name of its own that resolves here ("DNS rebinding") even read
// the answers; it cannot change what the browser then says in Host and Origin.
//
// A browser is signed in by two secrets, a cookie and a header (see Logins), of which neither
// opens anything alone. Programs show a token as `Authorization: Bearer`.
//
// What acts (ParseAction) is for few: a token is there to look, because it lies in configurations
// of those who only scrape. A browser has to say its Origin then, which each one does for a POST.
//
// Thread-safety: immutable but for `logins`, which is safe. Lifetime: a value; `logins` outlives
// it.
class AccessControl {
 public:
  struct Options {
    std::vector<std::string> bound_hosts;  // these with the bound port only
    uint16_t port = 0;
    std::vector<std::string> allowed_hosts;  // these with any port
    std::string token;                       // opens all; "" opens nothing
    std::string metrics_token;               // opens /metrics; "" opens nothing
    HttpActions actions = HttpActions::kLogin;
  };

  // Either the answer to who may not pass, or, to who may, the login by which.
  struct Verdict {
    std::optional<Response> refusal;
    std::optional<Logins::Id> login;
    bool showed_secret = false;  // a token, or that login
    std::string caller = {};     // who that is, for records
  };

  AccessControl(Options options, Logins* logins);

  // In this order: the method (405), Host and Origin (403), the token or the login (401), whether
  // that may act (403).
  // /healthz and /readyz need the method alone; the files of the page and /login need no
  // more than the names.
  Verdict Check(const Request& request, const RequestTarget& target) const;

  // The answer to what acts where it may not any more: Check was asked when its head came, and
  // while the body comes a login may end.
  std::optional<Response> CheckAgain(const std::optional<Logins::Id>& login) const;

  // Why whoever has this login, or else the token, may not act; "" where they may.
  std::string WhyOnlyLook(const std::optional<Logins::Id>& login) const;

  // "/login": takes the code in the header Proctor-Code for a cookie and the proof, which is the
  // answer. "/logout": ends the login.
  Response LogIn(const Request& request) const;
  Response LogOut(const Request& request, const Logins::Id& login) const;

  // "proctor_PORT": cookies do not know ports, and there may be two servers on a machine.
  const std::string& cookie_name() const { return cookie_name_; }

 private:
  bool IsOwnHost(std::string_view host, std::string_view default_port) const;
  bool IsOwnOrigin(std::string_view origin) const;
  // The answer to what acts, where who asks may only look.
  std::optional<Response> RefuseAction(bool acts, const std::optional<Logins::Id>& login) const;
  bool HasToken(const Request& request, const RequestTarget& target) const;
  std::optional<Logins::Id> FindLogin(const Request& request) const;

  const Options options_;
  const std::string cookie_name_;
  Logins* const logins_;
};

}  // namespace proctor::server::http
