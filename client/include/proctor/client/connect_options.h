#pragma once

#include <string>

namespace proctor::client {

// How to reach a server: its address and, for TLS, the files that prove both ends.
//
// Values; safe to copy and share.

// The files of a TLS connection, each by path; an empty one was not given.
struct TlsFiles {
  // Certificates of the trusted authorities; those of the system when empty.
  std::string ca;
  // The client's own certificate chain and its key: both or neither.
  std::string cert;
  std::string key;
  // The name in the server's certificate, when that is not its host name.
  std::string server_name;

  // Whether anything is set, and so TLS is wanted.
  bool any() const { return !ca.empty() || !cert.empty() || !key.empty() || !server_name.empty(); }
};

struct ConnectOptions {
  // `unix:PATH` or `HOST:PORT`.
  std::string host;
  TlsFiles tls;
  // The file of the token that a server without TLS wants (proctord --insecure); empty for none.
  std::string token_file;
  // Another trusted owner of a unix socket, by name or uid (unix_server.h); empty for none.
  std::string server_user;
};

}  // namespace proctor::client
