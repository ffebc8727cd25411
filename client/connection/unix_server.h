#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace proctor::client {

// Who serves a unix socket: a name in /tmp is whoever's that came first.
//
// A pure function of the file system and the kernel; thread-safe.

// The uid of `user`, a name or a number. INVALID_ARGUMENT where there is no such user.
absl::StatusOr<uid_t> FindUser(const std::string& user);

// Looks at who could have made the socket at `path`, and at who listens there (SO_PEERCRED). Both
// must be this user, root or, where it is given, `also_trusted`; below /run, where only root makes
// directories, also the user that the socket's directory belongs to, as that of a system service.
// Others may write to the directory only where they cannot exchange what is not theirs (the sticky
// bit).
//
// OK where nobody listens, or nothing is there: connecting tells. As long as the directory is what
// it was, nobody else can put a server of theirs there, so that a channel may connect again
// without a further look.
//
// FAILED_PRECONDITION, with UNTRUSTED_SERVER in its message, for anybody else's; with NOT_A_SOCKET
// for something else than a socket of streams; with SOCKET_CLOSED_TO_US where we may not connect.
// Each names what helps.
absl::Status CheckUnixServer(const std::string& path,
                             std::optional<uid_t> also_trusted = std::nullopt);

}  // namespace proctor::client
