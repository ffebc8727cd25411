#include "client/cli/terminal/window_size.h"

#include <sys/ioctl.h>
#include <unistd.h>

namespace proctor::cli {

std::optional<v1::TerminalSize> WindowSize() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    winsize window = {};
    if (ioctl(descriptor, TIOCGWINSZ, &window) != 0) continue;
    // Serial lines, and terminals without a set size.
    if (window.ws_row == 0 || window.ws_col == 0) continue;
    v1::TerminalSize size;
    size.set_rows(window.ws_row);
    size.set_columns(window.ws_col);
    size.set_width_pixels(window.ws_xpixel);
    size.set_height_pixels(window.ws_ypixel);
    return size;
  }
  return std::nullopt;
}

bool SameSize(const v1::TerminalSize& a, const v1::TerminalSize& b) {
  return a.rows() == b.rows() && a.columns() == b.columns() &&
         a.width_pixels() == b.width_pixels() && a.height_pixels() == b.height_pixels();
}

}  // namespace proctor::cli
