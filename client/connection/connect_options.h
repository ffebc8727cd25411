#pragma once

#include <string>

namespace proctor::client {

// How to reach a server: its address and, for TLS, the files that prove both ends.
//
// Values; safe to copy and share.

// The files of a TLS connection, each by path; an empty one was not given.
struct TlsFiles {
  // Certificates of the authorities that are trusted; those of the system where empty.
  std::string ca;
  // The client's own certificate chain and its key: both or neither.
  std::string cert;
  std::string key;
  // The name that the server's certificate must carry, where that is not its host name.
  std::string server_name;

  // Whether anything was given, and so TLS is wanted.
  bool any() const { return !ca.empty() || !cert.empty() || !key.empty() || !server_name.empty(); }
};

struct ConnectOptions {
  // `unix:PATH` or `HOST:PORT`.
  std::string host;
  TlsFiles tls;
  // The file of the token that a server without TLS wants (proctord --insecure); empty for none.
  std::string token_file;
  // The name or uid of a user whose unix socket is trusted, too (unix_server.h); empty for none.
  std::string server_user;
};

}  // namespace proctor::client
