// daemonize: leaves a grandchild behind as daemons do it: forked twice, leader of a session
// of its own, without its streams and its environment. Prints its pid and a newline, and
// ends with 0. Arguments:
//   stay         waits instead of ending
//   ignore-term  the grandchild ignores SIGTERM
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

[[noreturn]] void RunDaemon(int told, bool ignore_term) {
  if (ignore_term) signal(SIGTERM, SIG_IGN);
  setsid();
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
  clearenv();
  pid_t pid = getpid();
  if (write(told, &pid, sizeof(pid)) != sizeof(pid)) _exit(2);
  close(told);
  while (true) pause();
}

}  // namespace

int main(int argc, char** argv) {
  bool stay = false, ignore_term = false;
  for (int i = 1; i < argc; ++i) {
    stay |= strcmp(argv[i], "stay") == 0;
    ignore_term |= strcmp(argv[i], "ignore-term") == 0;
  }
  int told[2];
  if (pipe2(told, O_CLOEXEC) != 0) return 2;
  pid_t child = fork();
  if (child == 0) {
    if (fork() == 0) RunDaemon(told[1], ignore_term);
    _exit(0);
  }
  pid_t grandchild = 0;
  if (child < 0 || waitpid(child, nullptr, 0) != child) return 2;
  if (read(told[0], &grandchild, sizeof(grandchild)) != sizeof(grandchild)) return 2;
  printf("%d\n", static_cast<int>(grandchild));
  fflush(stdout);
  while (stay) pause();
  return 0;
}
