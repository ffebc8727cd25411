#include "core/spawn/spawn_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/spawn/raw_system_call.h"

// The order of the steps:
//
//   stdio, close    first, because all that the parent has open is held here, too: its locks,
//                   and the pipes of other children
//   control group   so that all else is accounted for there
//   setsid          before the terminal, which only a session's leader can take
//   nice, oom_score_adj, umask, terminal
//   limits          while the privileges last that raising them may need
//   signals, no_new_privs
//   chdir           by the user's file-system ids: the user may have no access there
//   groups, user    last: from here on that user's other processes may stop this one; and a
//                   look whether they are what was asked for
//   exec

namespace proctor {
namespace {

// What linux/close_range.h of an older system lacks.
constexpr long kCloseRangeNumber = 436;
constexpr int kFirstStrayDescriptor = 3;
constexpr int kSpawnFailedCode = 127;
constexpr long kLowestNice = -20;
constexpr long kHighestNice = 19;
// The kernel's struct sigaction: handler, flags, restorer, mask.
constexpr unsigned long kDefaultAction[4] = {0, 0, 0, 0};
constexpr char kMyself[] = "0";
constexpr char kOomScoreFile[] = "/proc/self/oom_score_adj";

[[noreturn]] PROCTOR_CHILD_CODE void ExitChild() {
  while (true) RawSystemCall(SYS_exit_group, kSpawnFailedCode);
}

// Says which step is next, for the error and for the NewbornGuard.
PROCTOR_CHILD_CODE void Enter(SpawnExchange* exchange, SpawnStage stage) {
  __atomic_store(&exchange->stage, &stage, __ATOMIC_RELAXED);
}

[[noreturn]] PROCTOR_CHILD_CODE void Fail(SpawnExchange* exchange, long error) {
  exchange->error = static_cast<int>(-error);
  ExitChild();
}

// Ends the child if a step failed.
PROCTOR_CHILD_CODE void Check(SpawnExchange* exchange, long result) {
  if (result < 0) Fail(exchange, result);
}

PROCTOR_CHILD_CODE void SetNice(SpawnExchange* exchange, int addition) {
  // The kernel answers with 20 minus the value, which is never negative.
  const long answer = RawSystemCall(SYS_getpriority, PRIO_PROCESS, 0);
  Check(exchange, answer);
  long value = 20 - answer + addition;
  if (value < kLowestNice) value = kLowestNice;
  if (value > kHighestNice) value = kHighestNice;
  Check(exchange, RawSystemCall(SYS_setpriority, PRIO_PROCESS, 0, value));
}

// The value is this child's alone: Linux gives it to all that share the memory, but not to
// the parent of a vfork.
PROCTOR_CHILD_CODE void SetOomScore(SpawnExchange* exchange, const SpawnRequest& request) {
  const long file = RawSystemCall(SYS_openat, AT_FDCWD, reinterpret_cast<long>(kOomScoreFile),
                                  O_WRONLY | O_CLOEXEC);
  if (file == -EACCES) {  // of a parent that is not dumpable
    exchange->oom_score_left = true;
    return;
  }
  long result = file;
  if (file >= 0) {
    long size = 0;
    while (request.oom_score_adj[size] != '\0') ++size;
    result = RawSystemCall(SYS_write, file, reinterpret_cast<long>(request.oom_score_adj), size);
    RawSystemCall(SYS_close, file);
  }
  if (request.oom_score_adj_asked) Check(exchange, result);
}

PROCTOR_CHILD_CODE void SetLimits(SpawnExchange* exchange, const SpawnRequest& request) {
  for (size_t i = 0; i < request.limit_count; ++i) {
    const SpawnLimit& limit = request.limits[i];
    const uint64_t values[2] = {limit.soft, limit.hard};
    exchange->detail = static_cast<int>(i);
    Check(exchange,
          RawSystemCall(SYS_prlimit64, 0, limit.resource, reinterpret_cast<long>(values), 0));
  }
}

// By system calls of this task alone: libc's functions of these names would change every thread of
// the parent. The result is checked, because a mistake here would be a process with privileges that
// it should not have.
PROCTOR_CHILD_CODE void SetGroups(SpawnExchange* exchange, const SpawnRequest& request) {
  Enter(exchange, SpawnStage::kIdentity);
  if (request.sets_groups) {
    Check(exchange, RawSystemCall(SYS_setgroups, static_cast<long>(request.group_count),
                                  reinterpret_cast<long>(request.groups)));
  }
  if (!request.sets_user) return;
  const long gid = static_cast<long>(request.gid);
  Check(exchange, RawSystemCall(SYS_setresgid, gid, gid, gid));
  gid_t gids[3] = {};
  Check(exchange,
        RawSystemCall(SYS_getresgid, reinterpret_cast<long>(&gids[0]),
                      reinterpret_cast<long>(&gids[1]), reinterpret_cast<long>(&gids[2])));
  for (const gid_t had : gids) {
    if (had != request.gid) Fail(exchange, -EPERM);
  }
}

// As the user for files, but not for signals: kill(2) goes by the real and the saved id, which
// stay.
PROCTOR_CHILD_CODE void EnterDirectory(SpawnExchange* exchange, const SpawnRequest& request) {
  if (request.cwd == nullptr) return;
  if (request.sets_user) {
    RawSystemCall(SYS_setfsuid, static_cast<long>(request.uid));
    // It answers with the id before it, and never with an error.
    if (RawSystemCall(SYS_setfsuid, -1) != static_cast<long>(request.uid)) Fail(exchange, -EPERM);
  }
  Enter(exchange, SpawnStage::kChdir);
  Check(exchange, RawSystemCall(SYS_chdir, reinterpret_cast<long>(request.cwd)));
}

// Also makes the id of the file system that of the user. As few steps as can be lie between
// this and the exec.
PROCTOR_CHILD_CODE void SetUser(SpawnExchange* exchange, const SpawnRequest& request) {
  if (!request.sets_user) return;
  Enter(exchange, SpawnStage::kIdentity);
  const long uid = static_cast<long>(request.uid);
  Check(exchange, RawSystemCall(SYS_setresuid, uid, uid, uid));
  uid_t uids[3] = {};
  Check(exchange,
        RawSystemCall(SYS_getresuid, reinterpret_cast<long>(&uids[0]),
                      reinterpret_cast<long>(&uids[1]), reinterpret_cast<long>(&uids[2])));
  for (const uid_t had : uids) {
    if (had != request.uid) Fail(exchange, -EPERM);
  }
  if (request.uid != 0 && RawSystemCall(SYS_setresuid, 0, 0, 0) >= 0) {
    Fail(exchange, -EPERM);  // the way back must be closed
  }
}

// Closes what close_range(2) would, where the kernel lacks it (before 5.9): all from `first` on
// that /proc/self/fd names, or without /proc every number that there can be.
PROCTOR_CHILD_CODE void CloseStrayDescriptors(long first) {
  long directory = RawSystemCall(SYS_openat, AT_FDCWD, reinterpret_cast<long>("/proc/self/fd"),
                                 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) {
    struct {
      uint64_t soft, hard;
    } limit;
    long result = RawSystemCall(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, reinterpret_cast<long>(&limit));
    long end = result == 0 && limit.soft < (1 << 20) ? static_cast<long>(limit.soft) : 1 << 20;
    for (long fd = first; fd < end; ++fd) RawSystemCall(SYS_close, fd);
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
      if (fd >= first && fd != directory) RawSystemCall(SYS_close, fd);
    }
  }
  RawSystemCall(SYS_close, directory);
}

// Leaves open 0, 1 and 2, and above them what is needed until the exec, which closes it. Returns
// where cgroup.procs is then.
PROCTOR_CHILD_CODE long SetDescriptors(SpawnExchange* exchange, const SpawnRequest& request) {
  Enter(exchange, SpawnStage::kDup2);
  for (int i = 0; i < 3; ++i) {
    Check(exchange, RawSystemCall(SYS_dup3, request.stdio[i], i, 0));
  }
  long first = kFirstStrayDescriptor;
  long cgroup_procs = -1;
  if (request.fence >= 0)
    Check(exchange, RawSystemCall(SYS_dup3, request.fence, first++, O_CLOEXEC));
  if (request.cgroup_procs >= 0) {
    cgroup_procs = first++;
    Check(exchange, RawSystemCall(SYS_dup3, request.cgroup_procs, cgroup_procs, O_CLOEXEC));
  }
  Enter(exchange, SpawnStage::kClose);
  if (RawSystemCall(kCloseRangeNumber, first, ~0U, 0) < 0) CloseStrayDescriptors(first);
  return cgroup_procs;
}

PROCTOR_CHILD_CODE void ResetSignals() {
  // CLONE_CLEAR_SIGHAND leaves signals ignored that the parent ignores, and clone(2) does
  // not have it.
  for (long signal = 1; signal <= kSignals; ++signal) {
    RawSystemCall(SYS_rt_sigaction, signal, reinterpret_cast<long>(kDefaultAction), 0,
                  kSignalSetBytes);
  }
  unsigned long no_signals = 0;
  RawSystemCall(SYS_rt_sigprocmask, SIG_SETMASK, reinterpret_cast<long>(&no_signals), 0,
                kSignalSetBytes);
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

  if (exchange->pid == 0) exchange->pid = static_cast<pid_t>(RawSystemCall(SYS_getpid));
  const long cgroup_procs = SetDescriptors(exchange, request);
  if (cgroup_procs >= 0) {
    Enter(exchange, SpawnStage::kCgroup);
    Check(exchange, RawSystemCall(SYS_write, cgroup_procs, reinterpret_cast<long>(kMyself), 1));
  }
  Enter(exchange, SpawnStage::kSetsid);
  Check(exchange, RawSystemCall(SYS_setsid));
  Enter(exchange, SpawnStage::kNice);
  if (request.nice != 0) SetNice(exchange, request.nice);
  Enter(exchange, SpawnStage::kOomScore);
  if (request.oom_score_adj != nullptr) SetOomScore(exchange, request);
  Enter(exchange, SpawnStage::kUmask);
  if (request.umask >= 0) Check(exchange, RawSystemCall(SYS_umask, request.umask));
  Enter(exchange, SpawnStage::kTerminal);
  if (request.terminal) Check(exchange, RawSystemCall(SYS_ioctl, 0, TIOCSCTTY, 0));
  Enter(exchange, SpawnStage::kLimit);
  SetLimits(exchange, request);
  ResetSignals();
  Enter(exchange, SpawnStage::kPrivileges);
  if (request.no_new_privileges) {
    Check(exchange, RawSystemCall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1));
  }
  SetGroups(exchange, request);
  EnterDirectory(exchange, request);
  SetUser(exchange, request);
  Enter(exchange, SpawnStage::kExec);
  Fail(exchange, ExecFirst(request));
}

}  // namespace proctor
