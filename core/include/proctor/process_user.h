#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace proctor {

// The user that a process runs as, in the caller's words. A value.
struct ProcessUser {
  std::string user;                               // name or decimal id; empty: the server's own
  std::string group;                              // name or decimal id; empty: the user's
  std::vector<std::string> supplementary_groups;  // names or decimal ids; empty: the user's
  bool allow_new_privileges = false;

  bool operator==(const ProcessUser&) const = default;
};

// The same in the kernel's words, and what of the user's entry goes into the environment.
struct Identity {
  bool changes = false;  // whether anything beside the privileges is to be set
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  bool has_entry = false;  // in the user database, where `user` was given
  std::string name;
  std::string home;
  std::string shell;
};

// Looks a user up in the user and group databases (passwd(5), group(5), and those of
// nsswitch.conf(5)). Blocks for as long as these do. Takes digits for a name first, as chown(1)
// does.
//
// Safe from any thread.
// Errors: InvalidArgument (INVALID_FIELD) for an unknown user or group, where `field` is the member
// of `user`: "group"; Internal (SYSTEM_CALL_FAILED) for a database that cannot be read.
absl::StatusOr<Identity> ResolveIdentity(const ProcessUser& user);

}  // namespace proctor
