#include "core/spawn/child_stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "core/spawn/spawn_error.h"
#include "core/spawn/terminal.h"

namespace proctor {
namespace {

constexpr int kFirstFreeDescriptor = 3;

// Moves a descriptor out of the way of 0, 1 and 2, which are free numbers where
// the server was started without them. Returns false with errno set.
bool MoveUp(UniqueFd& fd) {
  if (fd.get() >= kFirstFreeDescriptor) return true;
  int moved = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, kFirstFreeDescriptor);
  if (moved < 0) return false;
  fd.Reset(moved);
  return true;
}

bool OpenNull(int flags, UniqueFd& child) {
  child.Reset(::open("/dev/null", flags | O_CLOEXEC));
  return child && MoveUp(child);
}

// Whether `identity` is another user than this process.
bool IsOther(const Identity& identity) { return identity.changes && identity.uid != ::geteuid(); }

bool OpenPipe(bool child_reads, UniqueFd& child, UniqueFd& server) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  child.Reset(ends[child_reads ? 0 : 1]);
  server.Reset(ends[child_reads ? 1 : 0]);
  // The two ends are two open files: the flag of one is not that of the other.
  return MoveUp(child) && MoveUp(server) && ::fcntl(server.get(), F_SETFL, O_NONBLOCK) == 0;
}

// The group that owns terminals, for write(1); or else the user's.
gid_t TerminalGroup(const Identity& identity) {
  static const std::optional<gid_t> tty = [] {
    char buffer[4096];
    ::group entry;
    ::group* found = nullptr;
    ::getgrnam_r("tty", &entry, buffer, sizeof(buffer), &found);
    return found != nullptr ? std::optional<gid_t>(found->gr_gid) : std::nullopt;
  }();
  return tty.value_or(identity.gid);
}

// As login(1) does, so that the user may open it by its name. False with errno set.
bool GiveTerminal(const Identity& identity, int terminal) {
  return !identity.changes || (::fchown(terminal, identity.uid, TerminalGroup(identity)) == 0 &&
                               ::fchmod(terminal, 0620) == 0);
}

// False with errno set.
bool OpenTerminalStdio(const Command& command, ChildStdio& stdio) {
  auto terminal = OpenTerminal(command.terminal->size);
  if (!terminal.has_value()) return false;
  if (!MoveUp(terminal->server) || !MoveUp(terminal->child)) return false;
  if (::fcntl(terminal->server.get(), F_SETFL, O_NONBLOCK) != 0) return false;
  UniqueFd input(::fcntl(terminal->server.get(), F_DUPFD_CLOEXEC, kFirstFreeDescriptor));
  if (!input) return false;
  stdio.server[0] = std::move(input);
  stdio.server[1] = std::move(terminal->server);
  stdio.child[0] = std::move(terminal->child);
  return true;
}

}  // namespace

absl::StatusOr<ChildStdio> OpenChildStdio(const Command& command, const Identity& identity) {
  if (command.terminal.has_value()) {
    ChildStdio terminal;
    if (!OpenTerminalStdio(command, terminal)) {
      return StdioError(command, SpawnStage::kTerminal, errno);
    }
    if (!GiveTerminal(identity, terminal.child[0].get())) {
      return IdentityError(identity.uid, identity.gid, errno);
    }
    return terminal;
  }
  const StdioMode modes[] = {command.stdin_mode, command.stdout_mode, command.stderr_mode};
  ChildStdio stdio;
  for (int i = 0; i < 3; ++i) {
    bool opened = true;
    if (modes[i] == StdioMode::kPipe) {
      opened = OpenPipe(i == STDIN_FILENO, stdio.child[i], stdio.server[i]);
    } else if (modes[i] == StdioMode::kNull) {
      opened = OpenNull(i == STDIN_FILENO ? O_RDONLY : O_WRONLY, stdio.child[i]);
    }
    if (!opened) return StdioError(command, SpawnStage::kPipe, errno);
    // Its own, so that it may open it by name: /dev/stdout is a link to that.
    if (modes[i] == StdioMode::kPipe && IsOther(identity) &&
        ::fchown(stdio.child[i].get(), identity.uid, identity.gid) != 0) {
      return IdentityError(identity.uid, identity.gid, errno);
    }
  }
  return stdio;
}

}  // namespace proctor
