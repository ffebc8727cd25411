// kill_self SIGNAL: ends by that signal's number, without a core dump.
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  prctl(PR_SET_DUMPABLE, 0);
  kill(getpid(), atoi(argv[1]));
  pause();
  return 3;
}
