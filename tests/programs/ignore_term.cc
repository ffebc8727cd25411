// ignore_term: ignores SIGTERM, prints "ready" and a newline, and waits.
#include <signal.h>
#include <unistd.h>

int main() {
  signal(SIGTERM, SIG_IGN);
  if (write(STDOUT_FILENO, "ready\n", 6) != 6) return 2;
  while (true) pause();
}
