#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "proctor/terminal_options.h"
#include "proctor/unique_fd.h"

namespace proctor {

// The two sides of a pseudo-terminal (pty(7)), close-on-exec.
struct Terminal {
  UniqueFd server;  // the master side
  UniqueFd child;   // the slave side
};

// Opens a terminal of the given size with the modes that a login has (termios(3)), and input
// known to be UTF-8 (IUTF8). Safe from any thread. Nothing with errno set on failure.
std::optional<Terminal> OpenTerminal(const TerminalSize& size);

// Sets the size of the terminal behind either side; the kernel sends SIGWINCH to its
// foreground process group if that is a change. Safe from any thread. Errors: Internal
// (SYSTEM_CALL_FAILED).
absl::Status SetTerminalSize(int fd, const TerminalSize& size);

// The foreground process group of the terminal behind the master side `fd`, which is the
// controlling one of the session `session`; 0 if it has none. Safe from any thread.
pid_t ForegroundGroup(int fd, pid_t session);

// Returns what to write to the master side for an end of file: the terminal's own character (VEOF),
// twice after an unfinished line, since the first one only ends the line. Empty if the program has
// turned that off.
std::string TerminalEof(int fd, bool at_line_start);

}  // namespace proctor
