// without: becomes the program that is named after "--", and lacks for good what is named
// before, as on an old kernel or in a careful container: `without pidfd_open -- PROGRAM...`.
// "proc" is /proc, for which it must be root. Ends with 77 where that cannot be had.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

bool HideProc() {
  return unshare(CLONE_NEWNS) == 0 &&
         mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("none", "/proc", "tmpfs", 0, nullptr) == 0;
}

bool Refuse(unsigned number) {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

bool Lose(const char* what) {
  if (strcmp(what, "proc") == 0) return HideProc();
  if (strcmp(what, "pidfd_open") == 0) return Refuse(SYS_pidfd_open);
  if (strcmp(what, "pidfd_send_signal") == 0) return Refuse(SYS_pidfd_send_signal);
  return false;
}

}  // namespace

int main(int, char** argv) {
  for (++argv; *argv != nullptr && strcmp(*argv, "--") != 0; ++argv) {
    if (Lose(*argv)) continue;
    perror(*argv);
    return 77;
  }
  if (*argv == nullptr) return 2;
  execv(argv[1], argv + 1);
  perror(argv[1]);
  return 127;
}
