// The least that a shell does for the jobs of its terminal: gives them the foreground, notices that
// they stop, and lets them go on. A program of its own, because stopping needs a parent in the same
// session, and a test is in another.
//
//     job_shell REPORT_FD CONTROL_FD PROGRAM [ARGUMENT...]
//
// Its stdin is the terminal and becomes its controlling one. Reports, an int each: the program's
// pid; then the status of waitpid(2) each time that it has stopped or ended. One byte of control
// lets a stopped program go on. After the end, waits for the end of control, so that the terminal
// does not end with the program.
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <initializer_list>

namespace {

void Report(int descriptor, int value) {
  if (write(descriptor, &value, sizeof(value)) != static_cast<ssize_t>(sizeof(value))) _exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const int report = std::atoi(argv[1]);
  const int control = std::atoi(argv[2]);
  if (ioctl(STDIN_FILENO, TIOCSCTTY, 0) != 0) return 2;
  // As a shell: taking the foreground back, and the loss of the terminal, do not end it.
  signal(SIGTTOU, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  const pid_t child = fork();
  if (child == 0) {
    setpgid(0, 0);
    tcsetpgrp(STDIN_FILENO, getpid());
    for (const int number : {SIGTTOU, SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGPIPE}) {
      signal(number, SIG_DFL);
    }
    close(report);
    close(control);
    execv(argv[3], argv + 3);
    _exit(127);
  }
  // Both do it, since nobody knows who comes first.
  setpgid(child, child);
  tcsetpgrp(STDIN_FILENO, child);
  Report(report, child);
  char byte;
  while (true) {
    int status = 0;
    if (waitpid(child, &status, WUNTRACED) < 0) {
      if (errno == EINTR) continue;
      return 1;
    }
    if (WIFSTOPPED(status)) tcsetpgrp(STDIN_FILENO, getpgrp());
    Report(report, status);
    if (!WIFSTOPPED(status)) break;
    if (read(control, &byte, 1) != 1) break;
    tcsetpgrp(STDIN_FILENO, child);
    kill(-child, SIGCONT);
  }
  while (read(control, &byte, 1) > 0) {
  }
  kill(child, SIGKILL);
  return 0;
}
