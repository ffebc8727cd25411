#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace proctor::client {

// Checks the server of a unix socket: a name in /tmp belongs to the user that came first.
//
// A pure function of the file system and the kernel; thread-safe.

// Returns the uid of `user`, a name or a number. INVALID_ARGUMENT when there is no such user.
absl::StatusOr<uid_t> FindUser(const std::string& user);

// Checks the users that could have made the socket at `path`, and the one that listens there
// (SO_PEERCRED). They must be this user, root or `also_trusted`, if given; below /run, where only
// root makes directories, also the owner of the socket's directory, as with a system service.
// Others may write to the directory only when its sticky bit keeps them from replacing foreign
// files.
//
// OK when nothing listens, or nothing is there: connecting reports that. While the directory stays
// as it was, no other user can put a server there, so that a channel may connect again without a
// further look.
//
// FAILED_PRECONDITION, with UNTRUSTED_SERVER in its message, for any other user's; with
// NOT_A_SOCKET for anything but a stream socket; with SOCKET_CLOSED_TO_US when we may not connect.
// Each names what helps.
absl::Status CheckUnixServer(const std::string& path,
                             std::optional<uid_t> also_trusted = std::nullopt);

}  // namespace proctor::client
