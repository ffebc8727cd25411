#include "core/tree/proc_table.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/directory.h"
#include "core/base/return_if_error.h"
#include "core/tree/spare_descriptor.h"
#include "proctor/error.h"
#include "proctor/unique_fd.h"

namespace proctor {
namespace {

// A file of /proc is made anew for each read: one that is large enough has all of it. Empty
// where its process is gone, or not ours to look at.
absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const UniqueFd file =
      SpareDescriptor::Get().Open([&path] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); });
  if (!file && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
    return SystemError(absl::StrCat("open ", path), errno);
  }
  char buffer[4096];
  const ssize_t size = file ? ::read(file.get(), buffer, sizeof(buffer)) : 0;
  return size > 0 ? std::string(buffer, static_cast<size_t>(size)) : "";
}

absl::Status Unavailable(const std::string& why) {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kProcUnavailable, why);
}

// "Max file locks            SOFT                 HARD                 locks"
uint64_t LocksLimit(const std::string& limits) {
  constexpr absl::string_view kName = "Max file locks";
  const size_t line = limits.find(kName.data(), 0, kName.size());
  if (line == std::string::npos) return 0;
  const size_t begin = limits.find_first_not_of(' ', line + kName.size());
  const size_t end = limits.find(' ', begin);
  uint64_t value = 0;
  if (begin == std::string::npos || end == std::string::npos) return 0;
  return absl::SimpleAtoi(limits.substr(begin, end - begin), &value) ? value : 0;
}

absl::StatusOr<uint64_t> ReadLocksLimit(pid_t pid) {
  ASSIGN_OR_RETURN(auto limits, ReadFile(absl::StrCat("/proc/", pid, "/limits")));
  return LocksLimit(limits);
}

}  // namespace

absl::StatusOr<ProcEntry> ReadProcEntry(pid_t pid, bool with_locks) {
  const absl::Status gone = absl::NotFoundError(absl::StrCat("process ", pid, " is gone"));
  ASSIGN_OR_RETURN(auto read, ReadFile(absl::StrCat("/proc/", pid, "/stat")));
  const std::string stat = std::move(read);
  // The second field is the program's name in parentheses, and may itself contain some.
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos || name_end + 2 > stat.size()) return gone;
  const std::vector<absl::string_view> fields =
      absl::StrSplit(absl::string_view(stat).substr(name_end + 2), ' ');
  // Numbered as in proc(5), where the state is field 3.
  constexpr size_t kState = 3, kParent = 4, kSession = 6, kUserTime = 14, kThreads = 20,
                   kStartTime = 22, kResident = 24;
  if (fields.size() <= kResident - kState || fields[0].empty()) return gone;
  ProcEntry entry;
  entry.pid = pid;
  entry.state = fields[0][0];
  if (!absl::SimpleAtoi(fields[kParent - kState], &entry.parent) ||
      !absl::SimpleAtoi(fields[kSession - kState], &entry.session) ||
      !absl::SimpleAtoi(fields[kThreads - kState], &entry.threads) ||
      !absl::SimpleAtoi(fields[kStartTime - kState], &entry.start_time) ||
      !absl::SimpleAtoi(fields[kResident - kState], &entry.resident_pages)) {
    return gone;
  }
  // utime, stime, cutime, cstime.
  for (size_t field = kUserTime; field < kUserTime + 4; ++field) {
    uint64_t ticks = 0;
    if (!absl::SimpleAtoi(fields[field - kState], &ticks)) return gone;
    entry.cpu_ticks += ticks;
  }
  if (!with_locks) return entry;
  ASSIGN_OR_RETURN(auto limit, ReadLocksLimit(pid));
  entry.locks = limit;
  return entry;
}

std::optional<uid_t> ReadProcUser(pid_t pid) {
  const auto status = ReadFile(absl::StrCat("/proc/", pid, "/status"));
  constexpr absl::string_view kName = "\nUid:\t";
  const size_t line = status.ok() ? status->find(kName.data(), 0, kName.size()) : std::string::npos;
  if (line == std::string::npos) return std::nullopt;
  const size_t begin = line + kName.size();
  const size_t end = status->find('\t', begin);
  uid_t user = 0;
  if (end == std::string::npos) return std::nullopt;
  if (!absl::SimpleAtoi(status->substr(begin, end - begin), &user)) return std::nullopt;
  return user;
}

uint64_t ProcTicksNow() {
  timespec now = {};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  const auto ticks = static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
  return static_cast<uint64_t>(now.tv_sec) * ticks +
         static_cast<uint64_t>(now.tv_nsec) * ticks / 1000000000;
}

// Not `/proc/self` alone: that of another world of pids has one too.
absl::Status CheckProc() {
  char target[32];
  const ssize_t size = ::readlink("/proc/self", target, sizeof(target));
  if (size < 0) return Unavailable(absl::StrCat("no /proc: ", ErrnoText(errno)));
  const std::string self(target, static_cast<size_t>(size));
  if (self != absl::StrCat(::getpid())) {
    return Unavailable("/proc shows another world of processes");
  }
  const auto table = ProcTable::Read(ProcTable::kNoLocks);
  if (table.ok()) return absl::OkStatus();
  return Unavailable(std::string(table.status().message()));
}

absl::StatusOr<ProcTable> ProcTable::Read(uint64_t locks_since) {
  std::vector<ProcEntry> entries;
  UniqueFd directory = SpareDescriptor::Get().Open(
      [] { return ::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (!directory) return SystemError("open /proc", errno);
  Directory proc(::fdopendir(directory.get()));
  if (proc == nullptr) return SystemError("open /proc", errno);
  (void)directory.Release();  // the stream's
  std::vector<pid_t> pids;
  errno = 0;
  while (const dirent* name = ::readdir(proc.get())) {
    pid_t pid = 0;
    if (absl::SimpleAtoi(name->d_name, &pid)) pids.push_back(pid);
    errno = 0;
  }
  if (errno != 0) return SystemError("read /proc", errno);
  proc.reset();  // its descriptor may be the last one
  entries.reserve(pids.size());
  for (const pid_t pid : pids) {
    auto entry = ReadProcEntry(pid, /*with_locks=*/false);
    if (absl::IsNotFound(entry.status())) continue;
    if (!entry.ok()) return entry.status();
    if (entry->start_time >= locks_since && !entry->ended()) {
      ASSIGN_OR_RETURN(auto limit, ReadLocksLimit(pid));
      entry->locks = limit;
    }
    entries.push_back(*entry);
  }
  ProcTable table(std::move(entries));
  if (table.Find(::getpid()) == nullptr) {
    return Unavailable("/proc does not show this process");
  }
  return table;
}

ProcTable::ProcTable(std::vector<ProcEntry> entries) : entries_(std::move(entries)) {
  for (size_t place = 0; place < entries_.size(); ++place) {
    const ProcEntry& entry = entries_[place];
    by_pid_[entry.pid] = place;
    by_parent_[entry.parent].push_back(place);
    by_session_[entry.session].push_back(place);
    if (entry.locks != 0) by_locks_[entry.locks].push_back(place);
  }
}

const ProcEntry* ProcTable::Find(pid_t pid) const {
  const auto found = by_pid_.find(pid);
  return found == by_pid_.end() ? nullptr : &entries_[found->second];
}

}  // namespace proctor
