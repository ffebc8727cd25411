#include "core/process/posix_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/process/spawn_error.h"

namespace proctor {
namespace {

constexpr int kFirstStrayDescriptor = 3;

// The attributes and file actions of one spawn. `error` says whether they could
// be made (ENOMEM).
class Preparation {
 public:
  explicit Preparation(const SpawnRequest& request) {
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawn_file_actions_init(&actions_);
    sigset_t no_signals;
    ::sigemptyset(&no_signals);
    sigset_t all_signals;
    ::memset(&all_signals, 0xff, sizeof(all_signals));  // sigfillset leaves out 32 and 33
    Take(::posix_spawnattr_setsigmask(&attributes_, &no_signals));
    Take(::posix_spawnattr_setsigdefault(&attributes_, &all_signals));
    Take(::posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
    if (request.cwd != nullptr) {
      Take(::posix_spawn_file_actions_addchdir_np(&actions_, request.cwd));
    }
    for (int i = 0; i < 3; ++i) {
      Take(::posix_spawn_file_actions_adddup2(&actions_, request.stdio[i], i));
    }
    Take(::posix_spawn_file_actions_addclosefrom_np(&actions_, kFirstStrayDescriptor));
  }
  Preparation(const Preparation&) = delete;
  Preparation& operator=(const Preparation&) = delete;
  ~Preparation() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  int error() const { return error_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }

 private:
  void Take(int error) {
    if (error_ == 0) error_ = error;
  }

  posix_spawnattr_t attributes_;
  posix_spawn_file_actions_t actions_;
  int error_ = 0;
};

// Why a directory cannot be worked in, or 0.
int DirectoryError(const char* path) {
  struct stat file;
  if (::stat(path, &file) != 0) return errno;
  if (!S_ISDIR(file.st_mode)) return ENOTDIR;
  return ::faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

// What failed, as well as can be told afterwards.
absl::Status InferredError(const SpawnPlan& plan, int error) {
  if (error == EAGAIN || error == ENOMEM) return SpawnError(plan, SpawnStage::kClone, error);
  return SpawnError(plan, SpawnStage::kExec, error);
}

// Tries the candidates as execvp(3) does, one spawn for each: posix_spawnp(3)
// would search this process's PATH in place of the new one's.
absl::StatusOr<pid_t> SpawnFirst(const SpawnPlan& plan, const Preparation& preparation) {
  const SpawnRequest& request = plan.request();
  int error = ENOENT;
  bool denied = false;
  bool directory_checked = request.cwd == nullptr;
  for (const char* const* path = request.candidates; *path != nullptr; ++path) {
    pid_t pid = 0;
    error = ::posix_spawn(&pid, *path, preparation.actions(), preparation.attributes(),
                          request.argv, request.envp);
    if (error == 0) return pid;
    if (!directory_checked) {
      int directory_error = DirectoryError(request.cwd);
      if (directory_error != 0) return SpawnError(plan, SpawnStage::kChdir, directory_error);
      directory_checked = true;
    }
    if (error == EACCES) {
      denied = true;
    } else if (error != ENOENT && error != ENOTDIR && error != ESTALE && error != ENODEV &&
               error != ETIMEDOUT) {
      return InferredError(plan, error);
    }
  }
  return InferredError(plan, denied ? EACCES : error);
}

}  // namespace

absl::StatusOr<SpawnedChild> PosixSpawn(const SpawnPlan& plan) {
  if (plan.request().umask >= 0) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "LIMIT_UNAVAILABLE",
                     "umask: processes are spawned by posix_spawn here, which cannot set it",
                     {{"field", "spec.umask"}, {"limit", "umask"}});
  }
  Preparation preparation(plan.request());
  if (preparation.error() != 0) {
    return SpawnError(plan, SpawnStage::kClone, preparation.error());
  }
  // Holds a place for the pidfd, so that running out of descriptors is seen before
  // there is a process to give up.
  UniqueFd place(::fcntl(plan.request().stdio[0], F_DUPFD_CLOEXEC, kFirstStrayDescriptor));
  if (!place) return SpawnError(plan, SpawnStage::kClone, errno);

  auto pid = SpawnFirst(plan, preparation);
  if (!pid.ok()) return pid.status();
  place.Reset();
  SpawnedChild child;
  child.pid = *pid;
  child.pidfd.Reset(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
  int error = errno;
  if (!child.pidfd && (error == EMFILE || error == ENFILE || error == ENOMEM)) {
    ::kill(-child.pid, SIGKILL);  // another thread was faster to the place
    siginfo_t info;
    while (::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED) != 0 && errno == EINTR) {
    }
    return SpawnError(plan, SpawnStage::kClone, error);
  }
  return child;
}

}  // namespace proctor
