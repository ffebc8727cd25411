// hold_pipe: leaves a grandchild behind that keeps stdout and stderr open until
// it is killed; prints the grandchild's pid and a newline, and ends with 0.
#include <stdio.h>
#include <unistd.h>

int main() {
  pid_t pid = fork();
  if (pid < 0) return 2;
  if (pid == 0) {
    while (true) pause();
  }
  printf("%d\n", static_cast<int>(pid));
  return 0;
}
