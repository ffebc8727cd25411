// probe_environment: prints what it was started with, a line for each thing:
//   arg TEXT              each argument, the program's name included
//   env NAME=VALUE        each variable, in order
//   fd NUMBER FLAGS WHAT  each open descriptor, its O_NONBLOCK as "nonblocking"
//                         or "blocking", and where /proc says that it leads
//   pid N, sid N, pgid N, cwd PATH, umask OCTAL
//   blocked HEX, ignored HEX, caught HEX, pending HEX
//                         sets of signals, bit 0 for signal 1, read before main
//                         calls anything that could change them
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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
  return 0;
}
