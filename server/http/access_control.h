#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/http_message.h"
#include "server/http/request_target.h"

namespace proctor::server::http {

// Who may ask: whoever knows the token, by way of a name that is the server's own.
//
// The names keep out web pages of others. A page can make a browser send requests to
// this server, and by a name of its own that resolves here ("DNS rebinding") even read
// the answers; it cannot change what the browser then says in Host and Origin.
//
// A token in a URL is taken once: the browser is sent to the same URL without it, with a
// cookie that scripts cannot see and that requests of other sites do not carry.
//
// Thread-safety: immutable. Lifetime: a value.
class AccessControl {
 public:
  struct Options {
    std::vector<std::string> bound_hosts;  // these with the bound port only
    uint16_t port = 0;
    std::vector<std::string> allowed_hosts;  // these with any port
    std::string token;
  };

  explicit AccessControl(Options options);

  // The answer where the request may not pass, or is to come again with the cookie;
  // nothing where it may. In this order: the method (405), Host and Origin (403), the
  // token (303, 401). /healthz and /readyz need the method alone.
  std::optional<Response> Check(const Request& request, const RequestTarget& target) const;

  // "proctor_PORT": cookies do not know ports, and there may be two servers on a machine.
  const std::string& cookie_name() const { return cookie_name_; }

 private:
  bool IsOwnHost(std::string_view host, std::string_view default_port) const;
  bool IsOwnOrigin(std::string_view origin) const;
  bool IsToken(std::string_view text) const;
  bool HasCookie(std::string_view cookies) const;
  std::optional<Response> CheckToken(const Request& request, const RequestTarget& target) const;

  const Options options_;
  const std::string cookie_name_;
};

}  // namespace proctor::server::http
