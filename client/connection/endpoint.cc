#include "client/connection/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace proctor::client {
namespace {

absl::Status Malformed(std::string_view host, const std::string& why) {
  return absl::InvalidArgumentError(
      absl::StrCat("host '", std::string(host), "' ", why, "; a host is unix:PATH or HOST:PORT"));
}

// gRPC decodes percent signs in a target's path; a path of a file system has no such rule.
std::string PercentEncode(std::string_view path) {
  constexpr std::string_view kPlain = "/-_.~+,=@:";
  std::string encoded;
  for (unsigned char byte : path) {
    if (absl::ascii_isalnum(byte) || kPlain.find(byte) != std::string_view::npos) {
      encoded.push_back(static_cast<char>(byte));
    } else {
      absl::StrAppend(&encoded, "%", absl::Hex(byte, absl::kZeroPad2));
    }
  }
  return encoded;
}

bool IsLoopbackName(const std::string& name) {
  in_addr v4;
  if (inet_pton(AF_INET, name.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6;
  if (inet_pton(AF_INET6, name.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return name == "localhost";
}

}  // namespace

absl::StatusOr<Endpoint> ParseEndpoint(std::string_view host) {
  Endpoint endpoint;
  if (host.starts_with("unix:")) {
    std::string_view path = host.substr(5);
    // As a URL, `unix:///path`, it means the same.
    if (path.starts_with("//")) path.remove_prefix(2);
    if (path.empty()) return Malformed(host, "has no path");
    // With the zero behind it, it fills sun_path.
    if (path.size() >= sizeof(sockaddr_un::sun_path)) {
      return Malformed(
          host, absl::StrCat("has a path of ", path.size(), " bytes, where a socket's ", "has ",
                             sizeof(sockaddr_un::sun_path) - 1, " at most"));
    }
    endpoint.is_unix = true;
    endpoint.path = std::string(path);
    endpoint.target = absl::StrCat("unix:", PercentEncode(path));
    return endpoint;
  }
  const size_t colon = host.rfind(':');
  if (host.empty() || colon == std::string_view::npos) return Malformed(host, "has no port");
  std::string_view name = host.substr(0, colon);
  const bool bracketed = name.size() > 2 && name.front() == '[' && name.back() == ']';
  if (bracketed) name = name.substr(1, name.size() - 2);
  if (name.empty()) return Malformed(host, "has no name before its port");
  if (name.find_first_of("/[]@ ") != std::string_view::npos ||
      (!bracketed && name.find(':') != std::string_view::npos)) {
    return Malformed(host, bracketed ? "is malformed" : "is malformed (IPv6 goes in brackets)");
  }
  const std::string port_text(host.substr(colon + 1));
  int port = 0;
  if (!absl::SimpleAtoi(port_text, &port) || port < 1 || port > 65535) {
    return Malformed(host, absl::StrCat("has a port '", port_text, "' that is not 1 to 65535"));
  }
  endpoint.is_loopback = IsLoopbackName(std::string(name));
  endpoint.target = absl::StrCat("dns:///", std::string(host.substr(0, colon)), ":", port);
  return endpoint;
}

}  // namespace proctor::client
