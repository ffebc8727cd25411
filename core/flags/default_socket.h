#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace proctor {

// The unix socket of a server and of its clients where neither names an address.
//
// Pure but for DefaultSocket, which reads the environment; thread-safe as getenv(3) is.

// The path in the runtime directory of `user`: XDG_RUNTIME_DIR/proctor/proctord.sock, else
// /run/proctor/proctord.sock for root and /tmp/proctor-UID/proctord.sock for others. A directory
// that is not absolute counts as none (XDG Base Directory Specification).
std::string DefaultSocketOf(std::string_view xdg_runtime_dir, uid_t user);

// The path for this process, by its environment and its effective user.
std::string DefaultSocket();

}  // namespace proctor
