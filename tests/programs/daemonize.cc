// daemonize: leaves a grandchild behind as daemons do it: forked twice, leader of a session
// of its own, without its streams and its environment. Prints its pid and a newline, and
// ends with 0. Arguments:
//   stay         waits instead of ending
//   ignore-term  the grandchild ignores SIGTERM
//   headless     its main thread has ended by then, another one waits
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

void Tell(int told) {
  pid_t pid = getpid();
  if (write(told, &pid, sizeof(pid)) != sizeof(pid)) _exit(2);
  close(told);
}

bool MainThreadHasEnded() {
  char stat[512] = {};
  FILE* file = fopen("/proc/self/stat", "re");
  if (file == nullptr) _exit(2);
  const bool read = fgets(stat, sizeof(stat), file) != nullptr;
  fclose(file);
  return read && strstr(stat, ") Z ") != nullptr;
}

void* RunHeadless(void* told) {
  while (!MainThreadHasEnded()) usleep(1000);
  Tell(*static_cast<int*>(told));
  while (true) pause();
}

[[noreturn]] void RunDaemon(int told, bool ignore_term, bool headless) {
  if (ignore_term) signal(SIGTERM, SIG_IGN);
  setsid();
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
  clearenv();
  static int told_by_thread = told;
  pthread_t thread;
  if (headless) {
    if (pthread_create(&thread, nullptr, &RunHeadless, &told_by_thread) != 0) _exit(2);
    pthread_exit(nullptr);
  }
  Tell(told);
  while (true) pause();
}

}  // namespace

int main(int argc, char** argv) {
  bool stay = false, ignore_term = false, headless = false;
  for (int i = 1; i < argc; ++i) {
    stay |= strcmp(argv[i], "stay") == 0;
    ignore_term |= strcmp(argv[i], "ignore-term") == 0;
    headless |= strcmp(argv[i], "headless") == 0;
  }
  int told[2];
  if (pipe2(told, O_CLOEXEC) != 0) return 2;
  pid_t child = fork();
  if (child == 0) {
    if (fork() == 0) RunDaemon(told[1], ignore_term, headless);
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
