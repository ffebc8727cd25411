#include "core/flags/default_socket.h"

#include <stdlib.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace proctor {

std::string DefaultSocketOf(std::string_view xdg_runtime_dir, uid_t user) {
  if (xdg_runtime_dir.starts_with('/')) {
    return absl::StrCat(std::string(xdg_runtime_dir), "/proctor/proctord.sock");
  }
  if (user == 0) return "/run/proctor/proctord.sock";
  return absl::StrCat("/tmp/proctor-", user, "/proctord.sock");
}

std::string DefaultSocket() {
  const char* directory = ::getenv("XDG_RUNTIME_DIR");
  return DefaultSocketOf(directory != nullptr ? directory : "", ::geteuid());
}

}  // namespace proctor
