#include "core/process/pipe_holders.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/unique_fd.h"

namespace proctor {
namespace {

constexpr size_t kMostHolders = 16;

struct CloseDir {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDir>;

std::string ReadLink(const std::string& path) {
  char target[64];
  const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
  return size > 0 ? std::string(target, static_cast<size_t>(size)) : "";
}

// What /proc calls the other end: a pipe has one name for both.
std::string OtherEnd(int fd) {
  int terminal = 0;
  if (::ioctl(fd, TIOCGPTN, &terminal) == 0) return absl::StrCat("/dev/pts/", terminal);
  return ReadLink(absl::StrCat("/proc/self/fd/", fd));
}

// Whether the process has one of `pipes` ("pipe:[1234]") open.
bool HoldsAny(const std::string& process, const std::vector<std::string>& pipes) {
  const std::string path = absl::StrCat(process, "/fd");
  Directory directory(::opendir(path.c_str()));
  if (directory == nullptr) return false;  // ended, or not ours to look at
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string target = ReadLink(absl::StrCat(path, "/", entry->d_name));
    if (std::find(pipes.begin(), pipes.end(), target) != pipes.end()) return true;
  }
  return false;
}

std::string CommandName(const std::string& process) {
  UniqueFd file(::open(absl::StrCat(process, "/comm").c_str(), O_RDONLY | O_CLOEXEC));
  char name[32];
  const ssize_t size = file ? ::read(file.get(), name, sizeof name) : 0;
  if (size <= 0) return "";
  return std::string(name, static_cast<size_t>(size - 1));  // without the newline
}

}  // namespace

std::vector<PipeHolder> FindPipeHolders(const std::vector<int>& fds) {
  std::vector<std::string> pipes;
  for (const int fd : fds) {
    if (fd >= 0) pipes.push_back(OtherEnd(fd));
  }
  std::vector<PipeHolder> holders;
  Directory proc(::opendir("/proc"));
  if (proc == nullptr) return holders;
  while (const dirent* entry = ::readdir(proc.get())) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(entry->d_name, &pid) || pid == ::getpid()) continue;
    const std::string process = absl::StrCat("/proc/", pid);
    if (!HoldsAny(process, pipes)) continue;
    holders.push_back({pid, CommandName(process)});
    if (holders.size() == kMostHolders) break;
  }
  return holders;
}

}  // namespace proctor
