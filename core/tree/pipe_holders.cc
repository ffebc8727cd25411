#include "core/tree/pipe_holders.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/directory.h"
#include "core/self/background_thread.h"
#include "core/tree/proc_table.h"
#include "proctor/unique_fd.h"

namespace proctor {
namespace {

constexpr size_t kMostHolders = 16;
constexpr absl::Duration kLongestLook = absl::Seconds(10);

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

// A request.
struct Seeker {
  std::vector<std::string> ends;
  PipeHoldersFound found;
  std::vector<PipeHolder> holders;

  bool Wants(const std::string& end) const {
    return std::find(ends.begin(), ends.end(), end) != ends.end();
  }
};

// Those of `seekers` with a pipe that the process has open.
std::vector<Seeker*> SeekersOf(const std::string& process, std::vector<Seeker>& seekers) {
  std::vector<Seeker*> wanting;
  const std::string path = absl::StrCat(process, "/fd");
  Directory directory(::opendir(path.c_str()));
  if (directory == nullptr) return wanting;  // ended, or not ours to look at
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string target = ReadLink(absl::StrCat(path, "/", entry->d_name));
    if (target.empty()) continue;
    for (Seeker& seeker : seekers) {
      if (!seeker.Wants(target)) continue;
      if (std::find(wanting.begin(), wanting.end(), &seeker) == wanting.end()) {
        wanting.push_back(&seeker);
      }
    }
  }
  return wanting;
}

// Whether it is a child of ours on its way to its exec: it still shares our memory. Where
// kcmp(2) is refused, a child that runs our own program is taken for one.
bool IsNewborn(pid_t pid, const std::string& process) {
  const auto entry = ReadProcEntry(pid, /*with_locks=*/false);
  if (!entry.ok() || entry->parent != ::getpid()) return false;
  const long compared = ::syscall(SYS_kcmp, ::getpid(), pid, KCMP_VM, 0, 0);
  if (compared >= 0) return compared == 0;
  const std::string program = ReadLink(absl::StrCat(process, "/exe"));
  return !program.empty() && program == ReadLink("/proc/self/exe");
}

std::string CommandName(const std::string& process) {
  UniqueFd file(::open(absl::StrCat(process, "/comm").c_str(), O_RDONLY | O_CLOEXEC));
  char name[32];
  const ssize_t size = file ? ::read(file.get(), name, sizeof name) : 0;
  if (size <= 0) return "";
  return std::string(name, static_cast<size_t>(size - 1));  // without the newline
}

// One look at all processes for all seekers.
void Look(std::vector<Seeker>& seekers) {
  const absl::Time until = absl::Now() + kLongestLook;
  Directory proc(::opendir("/proc"));
  if (proc == nullptr) return;
  while (const dirent* entry = ::readdir(proc.get())) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(entry->d_name, &pid) || pid == ::getpid()) continue;
    if (absl::Now() > until) return;
    const std::string process = absl::StrCat("/proc/", pid);
    const std::vector<Seeker*> wanting = SeekersOf(process, seekers);
    if (wanting.empty() || IsNewborn(pid, process)) continue;
    for (Seeker* seeker : wanting) {
      if (seeker->holders.size() < kMostHolders) {
        seeker->holders.push_back({pid, CommandName(process)});
      }
    }
  }
}

// Collects the requests for the next look.
class HolderSearch {
 public:
  static HolderSearch& Get() {
    static auto* search = new HolderSearch;
    return *search;
  }

  absl::Status Add(Seeker seeker) {
    absl::MutexLock lock(&mutex_);
    if (waiting_.empty()) {
      absl::Status posted = thread_.Post([this] { LookForAll(); });
      if (!posted.ok()) return posted;
    }
    waiting_.push_back(std::move(seeker));
    return absl::OkStatus();
  }

 private:
  void LookForAll() {
    std::vector<Seeker> seekers;
    {
      absl::MutexLock lock(&mutex_);
      seekers.swap(waiting_);
    }
    Look(seekers);
    for (Seeker& seeker : seekers) seeker.found(std::move(seeker.holders));
  }

  BackgroundThread& thread_ = *new BackgroundThread;
  absl::Mutex mutex_;
  std::vector<Seeker> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::vector<std::string> OtherEnds(const std::vector<int>& fds) {
  std::vector<std::string> ends;
  for (const int fd : fds) {
    if (fd < 0) continue;
    if (std::string end = OtherEnd(fd); !end.empty()) ends.push_back(std::move(end));
  }
  return ends;
}

absl::Status SeekPipeHolders(std::vector<std::string> ends, PipeHoldersFound found) {
  return HolderSearch::Get().Add({std::move(ends), std::move(found), {}});
}

}  // namespace proctor
