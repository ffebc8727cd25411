// wait_forever: prints "ready" and a newline, and waits.
#include <unistd.h>

int main() {
  if (write(STDOUT_FILENO, "ready\n", 6) != 6) return 2;
  while (true) pause();
}
