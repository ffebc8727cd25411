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

// Which callers may act over HTTP, not only look.
enum class HttpActions {
  kNone,   // nobody
  kLogin,  // browsers that a link signed in to act
  kToken,  // and programs that show the full token
};

// Decides which requests pass: those that show a token or come from a signed-in browser, and that
// name the server by one of its own names.
//
// The names keep out foreign web pages. A page can make a browser send requests to this server. It
// can even read the answers by a name of its own that resolves here ("DNS rebinding"). It cannot
// change what the browser then says in Host and Origin.
//
// A browser signs in with two secrets, a cookie and a header (see Logins); neither opens anything
// alone. Programs show a token as `Authorization: Bearer`.
//
// Few callers may act (ParseAction). A token is there to look, because it lies in the
// configurations of scrapers. A browser that acts has to send its Origin, as each one does with a
// POST.
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

  // The answer to a request that may not pass, or else the login by which it passes, if any.
  struct Verdict {
    std::optional<Response> refusal;
    std::optional<Logins::Id> login;
    bool showed_secret = false;  // a token, or that login
    std::string caller = {};     // its name, for records
  };

  AccessControl(Options options, Logins* logins);

  // Checks in this order: the method (405), Host and Origin (403), the token or the login (401),
  // whether that may act (403). /healthz and /readyz need only the method; the files of the page
  // and /login need only that and the names.
  Verdict Check(const Request& request, const RequestTarget& target) const;

  // Checks a request that acts again, once its body has come: its login may have ended since Check
  // saw the head. Returns the answer when it may not pass any more.
  std::optional<Response> CheckAgain(const std::optional<Logins::Id>& login) const;

  // Returns why this login, or else the token, may not act; "" when it may.
  std::string WhyOnlyLook(const std::optional<Logins::Id>& login) const;

  // "/login": exchanges the code in the header Proctor-Code for a cookie and the proof, which is
  // the answer. "/logout": ends the login.
  Response LogIn(const Request& request) const;
  Response LogOut(const Request& request, const Logins::Id& login) const;

  // "proctor_PORT": cookies do not know ports, and there may be two servers on a machine.
  const std::string& cookie_name() const { return cookie_name_; }

 private:
  bool IsOwnHost(std::string_view host, std::string_view default_port) const;
  bool IsOwnOrigin(std::string_view origin) const;
  // Returns the answer to a request that acts when its caller may only look.
  std::optional<Response> RefuseAction(bool acts, const std::optional<Logins::Id>& login) const;
  bool HasToken(const Request& request, const RequestTarget& target) const;
  std::optional<Logins::Id> FindLogin(const Request& request) const;

  const Options options_;
  const std::string cookie_name_;
  Logins* const logins_;
};

}  // namespace proctor::server::http
