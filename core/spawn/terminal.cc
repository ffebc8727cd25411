#include "core/spawn/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "proctor/error.h"

namespace proctor {
namespace {

constexpr char kControlD = 4;

winsize ToKernel(const TerminalSize& size) {
  winsize result = {};
  result.ws_row = static_cast<unsigned short>(size.rows);
  result.ws_col = static_cast<unsigned short>(size.columns);
  result.ws_xpixel = static_cast<unsigned short>(size.width_pixels);
  result.ws_ypixel = static_cast<unsigned short>(size.height_pixels);
  return result;
}

}  // namespace

std::optional<Terminal> OpenTerminal(const TerminalSize& size) {
  Terminal terminal;
  terminal.server.Reset(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.server) return std::nullopt;
  const int server = terminal.server.get();
  if (::unlockpt(server) != 0) return std::nullopt;
  // Not by its name, which is another terminal's where another devpts is mounted.
  terminal.child.Reset(::ioctl(server, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.child) return std::nullopt;
  termios modes = {};
  if (::tcgetattr(terminal.child.get(), &modes) != 0) return std::nullopt;
  modes.c_iflag |= IUTF8;
  if (::tcsetattr(terminal.child.get(), TCSANOW, &modes) != 0) return std::nullopt;
  const winsize cells = ToKernel(size);
  if (::ioctl(server, TIOCSWINSZ, &cells) != 0) return std::nullopt;
  return terminal;
}

absl::Status SetTerminalSize(int fd, const TerminalSize& size) {
  const winsize cells = ToKernel(size);
  if (::ioctl(fd, TIOCSWINSZ, &cells) == 0) return absl::OkStatus();
  return SystemError("set the size of a terminal", errno);
}

// The number of an empty group may belong to another group by now: the session tells. As long as a
// group has members, no other gets its number, even if its leader is gone.
pid_t ForegroundGroup(int fd, pid_t session) {
  pid_t group = 0;
  if (::ioctl(fd, TIOCGPGRP, &group) != 0 || group <= 0) return 0;
  const pid_t owner = ::getsid(group);
  return owner == session || (owner < 0 && errno == ESRCH) ? group : 0;
}

std::string TerminalEof(int fd, bool at_line_start) {
  termios modes = {};
  char character = kControlD;
  if (::tcgetattr(fd, &modes) == 0) character = static_cast<char>(modes.c_cc[VEOF]);
  if (character == _POSIX_VDISABLE) return "";
  const bool twice = !at_line_start && (modes.c_lflag & ICANON) != 0;
  return std::string(twice ? 2 : 1, character);
}

}  // namespace proctor
