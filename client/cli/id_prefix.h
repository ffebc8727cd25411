// Completes the shortened ids that people type.
//
// Thread-safe, as Client is.
#ifndef PROCTOR_CLIENT_CLI_ID_PREFIX_H_
#define PROCTOR_CLIENT_CLI_ID_PREFIX_H_

#include <string>

#include "client/cpp/client.h"
#include "client/cpp/error.h"

namespace proctor::cli {

// The characters of an id in tables.
constexpr size_t kShortId = 12;

// Makes `*id` the whole id of a process. An id that the server knows stands for itself; else it is
// taken for the start of one, if it has at least four characters. The server's own error if nothing
// begins so; INVALID_ARGUMENT (AMBIGUOUS_ID) if several do.
client::Error CompleteProcessId(const client::Client& client, std::string* id);

// The same for a session.
client::Error CompleteSessionId(const client::Client& client, std::string* id);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENT_CLI_ID_PREFIX_H_
