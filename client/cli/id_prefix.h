// Completes the shortened ids that people type.
//
// Thread-safe, as Client is.
#ifndef PROCTOR_CLIENT_CLI_ID_PREFIX_H_
#define PROCTOR_CLIENT_CLI_ID_PREFIX_H_

#include <string>
#include <vector>

#include "absl/base/call_once.h"
#include "client/cpp/client.h"
#include "client/cpp/error.h"

namespace proctor::cli {

// The characters of an id in tables.
constexpr size_t kShortId = 12;

// The ids of all processes, asked for once, by the first id that needs them.
class ProcessIds {
 public:
  // `client` outlives it.
  explicit ProcessIds(const client::Client& client) : client_(client) {}

  // Makes `*id` the whole id of a process. An id that the server knows stands for itself; else it
  // is taken for the start of one, if it has at least three characters. The server's own error if
  // nothing begins so; INVALID_ARGUMENT (AMBIGUOUS_ID) if several do.
  client::Error Complete(std::string* id);

 private:
  void List();

  const client::Client& client_;
  absl::once_flag once_;
  // Written by List alone.
  client::Error error_;
  std::vector<std::string> ids_;
};

// The same for sessions.
class SessionIds {
 public:
  explicit SessionIds(const client::Client& client) : client_(client) {}

  client::Error Complete(std::string* id);

 private:
  void List();

  const client::Client& client_;
  absl::once_flag once_;
  client::Error error_;
  std::vector<std::string> ids_;
};

// For one id alone.
client::Error CompleteProcessId(const client::Client& client, std::string* id);
client::Error CompleteSessionId(const client::Client& client, std::string* id);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENT_CLI_ID_PREFIX_H_
