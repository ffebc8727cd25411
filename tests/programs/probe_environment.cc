// probe_environment: prints what it was started with, a line for each thing:
//   arg TEXT              each argument, the program's name included
//   env NAME=VALUE        each variable, in order
//   fd NUMBER FLAGS WHAT  each open descriptor, its O_NONBLOCK as "nonblocking"
//                         or "blocking", and where /proc says that it leads
//   pid N, sid N, pgid N, cwd PATH, umask OCTAL, nice N, oom_score_adj N
//   uid R E S, gid R E S, groups N N ..., no_new_privs 0|1
//   limit NUMBER SOFT HARD  each resource limit, -1 for none
//   terminal ROWS COLUMNS PATH FOREGROUND  if descriptor 0 is one that controls us: the
//                         process group in its foreground, and whether it is ours
//   blocked HEX, ignored HEX, caught HEX, pending HEX
//                         sets of signals, bit 0 for signal 1, read before main
//                         calls anything that could change them
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

namespace {

void PrintSignals() {
  FILE* status = fopen("/proc/self/status", "re");
  if (status == nullptr) exit(2);
  char line[4096];
  while (fgets(line, sizeof(line), status) != nullptr) {
    char set[64];
    if (sscanf(line, "SigBlk: %63s", set) == 1) printf("blocked %s\n", set);
    if (sscanf(line, "SigIgn: %63s", set) == 1) printf("ignored %s\n", set);
    if (sscanf(line, "SigCgt: %63s", set) == 1) printf("caught %s\n", set);
    if (sscanf(line, "SigPnd: %63s", set) == 1) printf("pending %s\n", set);
  }
  fclose(status);
}

void PrintDescriptors() {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) exit(2);
  while (dirent* entry = readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    int fd = atoi(entry->d_name);
    if (fd == dirfd(directory)) continue;
    char target[4096] = "";
    if (readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1) < 0) exit(2);
    bool nonblocking = (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
    printf("fd %d %s %s\n", fd, nonblocking ? "nonblocking" : "blocking", target);
  }
  closedir(directory);
}

void PrintIdentity() {
  uid_t uids[3];
  gid_t gids[3];
  if (getresuid(&uids[0], &uids[1], &uids[2]) != 0) exit(2);
  if (getresgid(&gids[0], &gids[1], &gids[2]) != 0) exit(2);
  printf("uid %u %u %u\ngid %u %u %u\n", uids[0], uids[1], uids[2], gids[0], gids[1], gids[2]);
  gid_t groups[1024];
  int count = getgroups(1024, groups);
  printf("groups");
  for (int i = 0; i < count; ++i) printf(" %u", groups[i]);
  printf("\nno_new_privs %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  printf("nice %d\n", getpriority(PRIO_PROCESS, 0));
}

void PrintOomScore() {
  FILE* file = fopen("/proc/self/oom_score_adj", "re");
  int score = 0;
  if (file == nullptr || fscanf(file, "%d", &score) != 1) exit(2);
  fclose(file);
  printf("oom_score_adj %d\n", score);
}

void PrintLimits() {
  for (int resource = 0; resource < RLIM_NLIMITS; ++resource) {
    rlimit limit;
    if (getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) continue;
    printf("limit %d %lld %lld\n", resource, static_cast<long long>(limit.rlim_cur),
           static_cast<long long>(limit.rlim_max));
  }
}

void PrintTerminal() {
  winsize size;
  if (!isatty(0) || ioctl(0, TIOCGWINSZ, &size) != 0) return;
  pid_t foreground = tcgetpgrp(0);
  printf("terminal %u %u %s %s\n", size.ws_row, size.ws_col, ttyname(0),
         foreground == getpgid(0) ? "ours" : "theirs");
}

}  // namespace

int main(int argc, char** argv) {
  PrintSignals();
  PrintDescriptors();
  for (int i = 0; i < argc; ++i) printf("arg %s\n", argv[i]);
  for (char** variable = environ; *variable != nullptr; ++variable) printf("env %s\n", *variable);
  printf("pid %d\nsid %d\npgid %d\n", getpid(), getsid(0), getpgid(0));
  char* cwd = getcwd(nullptr, 0);
  printf("cwd %s\n", cwd != nullptr ? cwd : "?");
  free(cwd);
  mode_t mask = umask(0);
  printf("umask %04o\n", static_cast<unsigned>(mask));
  PrintIdentity();
  PrintOomScore();
  PrintLimits();
  PrintTerminal();
  return 0;
}
