#include "core/storage/lock_holders.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "proctor/unique_fd.h"

namespace proctor {
namespace {

namespace fs = std::filesystem;

// What can be iterated of a directory; what is gone, or not ours to see, has nothing.
std::vector<std::string> NamesIn(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    names.push_back(entry->path().filename());
  }
  return names;
}

// Whether the lock is held through this very descriptor: proc(5), fdinfo.
bool HoldsLock(const std::string& fdinfo) {
  std::ifstream file(fdinfo);
  for (std::string line; std::getline(file, line);) {
    if (absl::StartsWith(line, "lock:") && absl::StrContains(line, "FLOCK")) return true;
  }
  return false;
}

bool HoldsLockOf(const std::string& process, const struct stat& wanted) {
  for (const std::string& fd : NamesIn(process + "/fd")) {
    struct stat file;
    if (::stat(absl::StrCat(process, "/fd/", fd).c_str(), &file) == 0 &&
        file.st_dev == wanted.st_dev && file.st_ino == wanted.st_ino &&
        HoldsLock(absl::StrCat(process, "/fdinfo/", fd))) {
      return true;
    }
  }
  return false;
}

struct Owner {
  std::string name;
  pid_t parent = 0;
  uid_t user = 0;
  bool is_hidden = false;  // not dumpable: what is in /proc/PID is not its user's
};

std::optional<Owner> OwnerOf(const std::string& process) {
  Owner owner;
  const std::string path = process + "/status";
  struct stat file;
  if (::stat(path.c_str(), &file) != 0) return std::nullopt;
  std::ifstream status(path);
  bool known = false;
  for (std::string key; status >> key;) {
    if (key == "Name:") status >> owner.name;
    if (key == "PPid:") status >> owner.parent;
    if (key == "Uid:") known = static_cast<bool>(status >> owner.user);
    status.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  if (!known) return std::nullopt;
  owner.is_hidden = file.st_uid != owner.user;
  return owner;
}

// The name of the program, from its command line, which everybody may read; a newborn has its
// server's.
std::string ProgramOf(const std::string& process) {
  std::ifstream file(process + "/cmdline");
  std::string program;
  std::getline(file, program, '\0');
  return program.substr(program.rfind('/') + 1);
}

// A newborn of another server's session that hides what it has open. A living server's newborn
// has that server for its parent, which is hidden, too.
bool IsHiddenNewborn(const std::string& process) {
  const auto child = OwnerOf(process);
  if (!child.has_value() || !child->is_hidden || child->user != ::geteuid() ||
      !absl::StartsWith(child->name, "session-") || ProgramOf(process) != ProgramOf("/proc/self")) {
    return false;
  }
  const auto parent = OwnerOf(absl::StrCat("/proc/", child->parent));
  return !parent.has_value() || !parent->is_hidden || parent->user != child->user;
}

}  // namespace

std::vector<pid_t> KillLockHolders(int file) {
  std::vector<pid_t> killed;
  struct stat wanted;
  if (::fstat(file, &wanted) != 0) return killed;
  for (const std::string& name : NamesIn("/proc")) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(name, &pid) || pid == ::getpid()) continue;
    // Opened before the look: a holder that dies meanwhile is not mistaken for the next process
    // with its pid.
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    const std::string process = "/proc/" + name;
    if (!HoldsLockOf(process, wanted) && !IsHiddenNewborn(process)) continue;
    const long sent = pidfd ? ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0)
                            : ::kill(pid, SIGKILL);
    if (sent == 0) killed.push_back(pid);
  }
  return killed;
}

}  // namespace proctor
