#include "core/process/proc_table.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/error.h"
#include "core/base/unique_fd.h"

namespace proctor {
namespace {

struct CloseDir {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// A file of /proc is made anew for each read: one that is large enough has all of it. Empty
// where its process is gone, or not ours to look at.
absl::StatusOr<std::string> ReadFile(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
    return SystemError(absl::StrCat("open ", path), errno);
  }
  char buffer[4096];
  const ssize_t size = file ? ::read(file.get(), buffer, sizeof(buffer)) : 0;
  return size > 0 ? std::string(buffer, static_cast<size_t>(size)) : "";
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

}  // namespace

absl::StatusOr<ProcEntry> ReadProcEntry(pid_t pid, bool with_locks) {
  const absl::Status gone = absl::NotFoundError(absl::StrCat("process ", pid, " is gone"));
  const std::string directory = absl::StrCat("/proc/", pid);
  auto read = ReadFile(directory + "/stat");
  if (!read.ok()) return read.status();
  const std::string stat = *std::move(read);
  // The second field is the program's name in parentheses, whatever is in it.
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos || name_end + 2 > stat.size()) return gone;
  const std::vector<absl::string_view> fields =
      absl::StrSplit(absl::string_view(stat).substr(name_end + 2), ' ');
  // Numbered as in proc(5), where the state is field 3.
  constexpr size_t kState = 3, kParent = 4, kSession = 6, kStartTime = 22;
  if (fields.size() <= kStartTime - kState || fields[0].empty()) return gone;
  ProcEntry entry;
  entry.pid = pid;
  entry.state = fields[0][0];
  if (!absl::SimpleAtoi(fields[kParent - kState], &entry.parent) ||
      !absl::SimpleAtoi(fields[kSession - kState], &entry.session) ||
      !absl::SimpleAtoi(fields[kStartTime - kState], &entry.start_time)) {
    return gone;
  }
  if (!with_locks) return entry;
  auto limits = ReadFile(directory + "/limits");
  if (!limits.ok()) return limits.status();
  entry.locks = LocksLimit(*limits);
  return entry;
}

absl::StatusOr<std::vector<ProcEntry>> ReadProcTable(bool with_locks) {
  std::vector<ProcEntry> table;
  std::unique_ptr<DIR, CloseDir> proc(::opendir("/proc"));
  if (proc == nullptr) return SystemError("open /proc", errno);
  while (const dirent* name = ::readdir(proc.get())) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(name->d_name, &pid)) continue;
    auto entry = ReadProcEntry(pid, with_locks);
    if (entry.ok()) {
      table.push_back(*entry);
    } else if (!absl::IsNotFound(entry.status())) {
      return entry.status();
    }
  }
  return table;
}

}  // namespace proctor
