#include "core/storage/state_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/private_path.h"
#include "core/base/return_if_error.h"
#include "core/base/warning.h"
#include "core/storage/lock_holders.h"
#include "proctor/error.h"

namespace proctor {
namespace {

constexpr Reason kUnusable = Reason::kStateDirUnusable;

absl::Status Unusable(const std::string& path, std::string_view what, int error) {
  return ErrnoError(absl::StatusCode::kFailedPrecondition, kUnusable,
                    absl::StrCat("state directory '", path, "': ", std::string(what)), "", error,
                    {{"state_dir", path}});
}

// What a message says before the name of a file.
std::string FileIn(const std::string& path) {
  return absl::StrCat("state directory '", path, "': its file");
}

// Makes the directories above it, where there are none, for this user alone.
absl::Status MakeParents(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    if (::mkdir(path.substr(0, slash).c_str(), 0700) != 0 && errno != EEXIST && errno != EROFS &&
        errno != EACCES) {
      return Unusable(path, "make it", errno);
    }
  }
  return absl::OkStatus();
}

// SQLite opens its files by their names, and would follow a link that was planted when the
// directory was open to others.
absl::Status CheckFiles(int directory, const std::string& path) {
  for (const char* name :
       {"events.db", "events.db-wal", "events.db-shm", "witness", "reserve", "starting"}) {
    struct stat info;
    if (::fstatat(directory, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;
      return Unusable(path, absl::StrCat("look at '", name, "'"), errno);
    }
    const bool ours = info.st_uid == ::geteuid() || info.st_uid == 0;
    if (S_ISREG(info.st_mode) && ours && info.st_nlink == 1) continue;
    return MakeError(
        absl::StatusCode::kFailedPrecondition, kUnusable,
        absl::StrCat(FileIn(path), " '", name,
                     "' is a link, or no file, or belongs to another user (uid ", info.st_uid, ")"),
        {{"state_dir", path}});
  }
  return absl::OkStatus();
}

// The pid that the lock's holder wrote, for the message only.
std::string ReadHolder(int lock) {
  char text[32];
  const ssize_t size = ::pread(lock, text, sizeof text, 0);
  std::string holder(text, size > 0 ? size : 0);
  while (!holder.empty() && holder.back() == '\n') holder.pop_back();
  return holder.empty() ? "unknown" : holder;
}

// Whether the holder may be a server that runs.
bool MayLive(const std::string& holder) {
  pid_t pid = 0;
  return !absl::SimpleAtoi(holder, &pid) || pid <= 0 || ::kill(pid, 0) == 0 || errno != ESRCH;
}

// flock(2), tried for as long as `worth` says so. False with errno set.
template <typename Worth>
bool TakeLock(int file, absl::Duration patience, Worth worth) {
  const absl::Time deadline = absl::Now() + patience;
  while (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK || absl::Now() >= deadline || !worth()) return false;
    absl::SleepFor(absl::Milliseconds(10));
    errno = EWOULDBLOCK;
  }
  return true;
}

// Makes sure that no child of an ended server is still before its exec, where it would become a
// program that no server knows. The lock of the directory is ours already.
absl::StatusOr<UniqueFd> TakeFence(const std::string& path) {
  const std::string file = path + "/starting";
  UniqueFd fence(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fence) return Unusable(path, "open its file 'starting'", errno);
  const auto always = [] { return true; };
  if (TakeLock(fence.get(), absl::Seconds(1), always)) return fence;
  if (errno != EWOULDBLOCK) return Unusable(path, "lock its file 'starting'", errno);
  for (const pid_t newborn : KillLockHolders(fence.get())) {
    Warn(absl::StrCat("the server before this one had begun to start process ", newborn,
                      ", which had not become a program yet: killed"));
  }
  if (TakeLock(fence.get(), absl::Seconds(2), always)) return fence;
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStateDirInUse,
                   absl::StrCat("state directory '", path,
                                "': a process that the server before this one had begun to start "
                                "can neither become a program nor be killed: it holds '",
                                file, "'"),
                   {{"state_dir", path}});
}

}  // namespace

StateDirectory::StateDirectory(std::string path, UniqueFd directory, UniqueFd lock, UniqueFd fence)
    : path_(std::move(path)),
      directory_(std::move(directory)),
      lock_(std::move(lock)),
      fence_(std::move(fence)) {}

absl::StatusOr<std::unique_ptr<StateDirectory>> StateDirectory::Open(const std::string& path) {
  RETURN_IF_ERROR(MakeParents(path));
  auto directory = OpenPrivateDirectory(path, "state directory", kUnusable);
  if (!directory.ok()) return directory.status();
  RETURN_IF_ERROR(CheckFiles(directory->get(), path));
  ASSIGN_OR_RETURN(auto opened, OpenPrivateFile(directory->get(), "lock", FileIn(path), kUnusable));
  UniqueFd lock = std::move(opened);
  // A child of a server that has just ended has the lock, too, until it closes what it inherited.
  if (!TakeLock(lock.get(), absl::Seconds(5), [&] { return !MayLive(ReadHolder(lock.get())); })) {
    if (errno != EWOULDBLOCK) return Unusable(path, "lock it", errno);
    const std::string holder = ReadHolder(lock.get());
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStateDirInUse,
                     absl::StrCat("state directory '", path, "' is in use by another server (pid ",
                                  holder, "): name another one"),
                     {{"state_dir", path}, {"pid", holder}});
  }
  const std::string pid = absl::StrCat(::getpid(), "\n");
  if (::ftruncate(lock.get(), 0) != 0 || ::pwrite(lock.get(), pid.data(), pid.size(), 0) < 0) {
    if (errno != ENOSPC && errno != EDQUOT && errno != EFBIG)
      return Unusable(path, "write its lock", errno);
  }
  ASSIGN_OR_RETURN(auto fence, TakeFence(path));
  return std::unique_ptr<StateDirectory>(
      new StateDirectory(path, *std::move(directory), std::move(lock), std::move(fence)));
}

absl::Status StateDirectory::TakeReserve() {
  if (has_reserve_) return absl::OkStatus();
  const std::string path = File("reserve");
  UniqueFd file(
      ::openat(directory_.get(), "reserve", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  // posix_fallocate(3) writes to each block where the file system cannot do better.
  const int error = file ? ::posix_fallocate(file.get(), 0, kReserveBytes) : errno;
  if (error == 0) {
    has_reserve_ = true;
    return absl::OkStatus();
  }
  if (file) (void)::ftruncate(file.get(), 0);
  return ErrnoError(absl::StatusCode::kResourceExhausted, Reason::kStorageFull,
                    absl::StrCat("keep ", kReserveBytes >> 20, " MiB of room in hand"), path,
                    error);
}

bool StateDirectory::ReleaseReserve() {
  if (!std::exchange(has_reserve_, false)) return false;
  return ::truncate(File("reserve").c_str(), 0) == 0;
}

}  // namespace proctor
