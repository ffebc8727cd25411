// count_hangups: says that it is ready, and stays until it has no terminal any more. Its exit code
// is how often it got SIGHUP. SIGALRM ends it after a minute.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

namespace {

volatile sig_atomic_t hangups = 0;

}  // namespace

int main() {
  signal(SIGHUP, [](int) { hangups = hangups + 1; });
  alarm(60);
  if (write(STDOUT_FILENO, "ready\n", 6) != 6) return 125;
  // EIO is the beginning of a hang-up, ENXIO (tty(4)) its end.
  for (int terminal = 0; terminal >= 0 || errno != ENXIO;) {
    terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (terminal >= 0) close(terminal);
  }
  return hangups;
}
