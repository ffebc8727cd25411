#include "core/process/spawn_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/process/raw_system_call.h"

// The order of the steps:
//
//   control group   first, so that all else is accounted for there
//   setsid          before the terminal, which only a session's leader can take
//   nice, umask
//   stdio, terminal before the limits, of which one is of descriptors
//   limits          while the privileges last that raising them may need
//   groups, user    and a look whether they are what was asked for
//   chdir           as the user, who may not be allowed there
//   descriptors, signals, no_new_privs, exec

namespace proctor {
namespace {

// What linux/close_range.h of an older system lacks.
constexpr long kCloseRangeNumber = 436;
constexpr int kSignals = 64;
constexpr size_t kSignalSetSize = kSignals / 8;
constexpr int kFirstStrayDescriptor = 3;
constexpr int kSpawnFailedCode = 127;
constexpr long kLowestNice = -20;
constexpr long kHighestNice = 19;
// The kernel's struct sigaction: handler, flags, restorer, mask.
constexpr unsigned long kDefaultAction[4] = {0, 0, 0, 0};
constexpr char kMyself[] = "0";

[[noreturn]] PROCTOR_CHILD_CODE void ExitChild() {
  while (true) RawSystemCall(SYS_exit_group, kSpawnFailedCode);
}

[[noreturn]] PROCTOR_CHILD_CODE void Fail(SpawnExchange* exchange, SpawnStage stage, long error) {
  exchange->stage = stage;
  exchange->error = static_cast<int>(-error);
  ExitChild();
}

// Ends the child if a step failed.
PROCTOR_CHILD_CODE void Check(SpawnExchange* exchange, SpawnStage stage, long result) {
  if (result < 0) Fail(exchange, stage, result);
}

PROCTOR_CHILD_CODE void SetNice(SpawnExchange* exchange, int addition) {
  // The kernel answers with 20 minus the value, which is never negative.
  const long answer = RawSystemCall(SYS_getpriority, PRIO_PROCESS, 0);
  Check(exchange, SpawnStage::kNice, answer);
  long value = 20 - answer + addition;
  if (value < kLowestNice) value = kLowestNice;
  if (value > kHighestNice) value = kHighestNice;
  Check(exchange, SpawnStage::kNice, RawSystemCall(SYS_setpriority, PRIO_PROCESS, 0, value));
}

PROCTOR_CHILD_CODE void SetLimits(SpawnExchange* exchange, const SpawnRequest& request) {
  for (size_t i = 0; i < request.limit_count; ++i) {
    const SpawnLimit& limit = request.limits[i];
    const uint64_t values[2] = {limit.soft, limit.hard};
    exchange->detail = static_cast<int>(i);
    Check(exchange, SpawnStage::kLimit,
          RawSystemCall(SYS_prlimit64, 0, limit.resource, reinterpret_cast<long>(values), 0));
  }
}

// By system calls of this task alone: libc's functions of these names would change every
// thread of the parent. What is had afterwards is looked at, because a mistake here would be
// a process with privileges that nobody gave it.
PROCTOR_CHILD_CODE void SetIdentity(SpawnExchange* exchange, const SpawnRequest& request) {
  if (request.sets_groups) {
    Check(exchange, SpawnStage::kIdentity,
          RawSystemCall(SYS_setgroups, static_cast<long>(request.group_count),
                        reinterpret_cast<long>(request.groups)));
  }
  if (!request.sets_user) return;
  const long uid = static_cast<long>(request.uid);
  const long gid = static_cast<long>(request.gid);
  Check(exchange, SpawnStage::kIdentity, RawSystemCall(SYS_setresgid, gid, gid, gid));
  Check(exchange, SpawnStage::kIdentity, RawSystemCall(SYS_setresuid, uid, uid, uid));
  uid_t uids[3] = {};
  gid_t gids[3] = {};
  Check(exchange, SpawnStage::kIdentity,
        RawSystemCall(SYS_getresuid, reinterpret_cast<long>(&uids[0]),
                      reinterpret_cast<long>(&uids[1]), reinterpret_cast<long>(&uids[2])));
  Check(exchange, SpawnStage::kIdentity,
        RawSystemCall(SYS_getresgid, reinterpret_cast<long>(&gids[0]),
                      reinterpret_cast<long>(&gids[1]), reinterpret_cast<long>(&gids[2])));
  for (int i = 0; i < 3; ++i) {
    if (uids[i] != request.uid || gids[i] != request.gid) {
      Fail(exchange, SpawnStage::kIdentity, -EPERM);
    }
  }
  if (request.uid != 0 && RawSystemCall(SYS_setresuid, 0, 0, 0) >= 0) {
    Fail(exchange, SpawnStage::kIdentity, -EPERM);  // the way back must be closed
  }
}

// Closes what close_range(2) would, where the kernel lacks it (before 5.9): all
// that /proc/self/fd names, or without /proc every number that there can be.
PROCTOR_CHILD_CODE void CloseStrayDescriptors() {
  long directory = RawSystemCall(SYS_openat, AT_FDCWD, reinterpret_cast<long>("/proc/self/fd"),
                                 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) {
    struct {
      uint64_t soft, hard;
    } limit;
    long result = RawSystemCall(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, reinterpret_cast<long>(&limit));
    long end = result == 0 && limit.soft < (1 << 20) ? static_cast<long>(limit.soft) : 1 << 20;
    for (long fd = kFirstStrayDescriptor; fd < end; ++fd) RawSystemCall(SYS_close, fd);
    return;
  }
  // Entries are in the order of their numbers, so closing some skips none.
  constexpr long kHeader = 19;  // of struct linux_dirent64, before its name
  alignas(8) char entries[2048];
  long size;
  while ((size = RawSystemCall(SYS_getdents64, directory, reinterpret_cast<long>(entries),
                               sizeof(entries))) > 0) {
    for (long at = 0; at < size; at += *reinterpret_cast<const uint16_t*>(entries + at + 16)) {
      const char* name = entries + at + kHeader;
      if (*name < '0' || *name > '9') continue;
      long fd = 0;
      for (; *name != '\0'; ++name) fd = fd * 10 + (*name - '0');
      if (fd >= kFirstStrayDescriptor && fd != directory) RawSystemCall(SYS_close, fd);
    }
  }
  RawSystemCall(SYS_close, directory);
}

PROCTOR_CHILD_CODE void ResetSignals() {
  // CLONE_CLEAR_SIGHAND leaves signals ignored that the parent ignores, and clone(2) does
  // not have it.
  for (long signal = 1; signal <= kSignals; ++signal) {
    RawSystemCall(SYS_rt_sigaction, signal, reinterpret_cast<long>(kDefaultAction), 0,
                  kSignalSetSize);
  }
  unsigned long no_signals = 0;
  RawSystemCall(SYS_rt_sigprocmask, SIG_SETMASK, reinterpret_cast<long>(&no_signals), 0,
                kSignalSetSize);
}

// Tries the candidates as execvp(3) does. Returns the error that counts.
PROCTOR_CHILD_CODE long ExecFirst(const SpawnRequest& request) {
  long error = -ENOENT;
  bool denied = false;
  for (const char* const* path = request.candidates; *path != nullptr; ++path) {
    error =
        RawSystemCall(SYS_execve, reinterpret_cast<long>(*path),
                      reinterpret_cast<long>(request.argv), reinterpret_cast<long>(request.envp));
    if (error == -EACCES) {
      denied = true;
    } else if (error != -ENOENT && error != -ENOTDIR && error != -ESTALE && error != -ENODEV &&
               error != -ETIMEDOUT) {
      return error;
    }
  }
  return denied ? -EACCES : error;
}

}  // namespace

PROCTOR_CHILD_CODE void RunSpawnChild(void* pointer) {
  auto* exchange = static_cast<SpawnExchange*>(pointer);
  if (exchange->request == nullptr) ExitChild();
  const SpawnRequest& request = *exchange->request;

  if (request.cgroup_procs >= 0) {
    Check(exchange, SpawnStage::kCgroup,
          RawSystemCall(SYS_write, request.cgroup_procs, reinterpret_cast<long>(kMyself), 1));
  }
  Check(exchange, SpawnStage::kSetsid, RawSystemCall(SYS_setsid));
  if (request.nice != 0) SetNice(exchange, request.nice);
  if (request.umask >= 0) {
    Check(exchange, SpawnStage::kUmask, RawSystemCall(SYS_umask, request.umask));
  }
  for (int i = 0; i < 3; ++i) {
    Check(exchange, SpawnStage::kDup2, RawSystemCall(SYS_dup3, request.stdio[i], i, 0));
  }
  if (request.terminal) {
    Check(exchange, SpawnStage::kTerminal, RawSystemCall(SYS_ioctl, 0, TIOCSCTTY, 0));
  }
  SetLimits(exchange, request);
  SetIdentity(exchange, request);
  if (request.cwd != nullptr) {
    Check(exchange, SpawnStage::kChdir,
          RawSystemCall(SYS_chdir, reinterpret_cast<long>(request.cwd)));
  }
  if (RawSystemCall(kCloseRangeNumber, kFirstStrayDescriptor, ~0U, 0) < 0) CloseStrayDescriptors();
  ResetSignals();
  if (request.no_new_privileges) {
    Check(exchange, SpawnStage::kPrivileges, RawSystemCall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1));
  }
  Fail(exchange, SpawnStage::kExec, ExecFirst(request));
}

}  // namespace proctor
