#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proctor/reason.h"
#include "proctor/unique_fd.h"

namespace proctor {

// Directories and files that only this user and root can have written. A directory like /tmp
// belongs to all users: another user may have planted a file with a well-known name there.
//
// The checks look at the descriptor that is then used, so that nothing can be exchanged in between.
// The last part of a path is never followed through a symbolic link.
//
// Thread-safety: pure functions of the file system.

// Opens the directory `path`, and makes it, with mode 0700, where there is none. `what` names
// it in messages: "state directory".
// Errors: FailedPrecondition with `reason`, in words that say how to mend it: it is a symbolic
// link or no directory, belongs to another user, or others may write to it; or with errno.
absl::StatusOr<UniqueFd> OpenPrivateDirectory(const std::string& path, std::string_view what,
                                              Reason reason);

// Opens the file `name` in that directory for reading and writing, and makes it, with mode
// 0600, where there is none. Its content stays.
// Errors: as above; also where the file has a second name (a hard link).
absl::StatusOr<UniqueFd> OpenPrivateFile(int directory, const std::string& name,
                                         std::string_view what, Reason reason);

// Checks that an open file may hold a secret, as ssh(1) does for keys. A file of this user must be
// closed to all other users; a file of root, as services get them, to all but its group; a file of
// another user is refused.
// Errors: FailedPrecondition with SECRET_EXPOSED, and the command that mends it.
absl::Status CheckSecretFile(int fd, const std::string& path);

}  // namespace proctor
