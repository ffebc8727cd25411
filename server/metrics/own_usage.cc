#include "server/metrics/own_usage.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace proctor::server {
namespace {

// The fields of /proc/self/stat from the third on, by the numbers of proc(5).
constexpr size_t kFirstField = 3;
constexpr size_t kStartTime = 22;
constexpr size_t kVirtualBytes = 23;
constexpr size_t kResidentPages = 24;

std::vector<std::string> StatFields() {
  std::ifstream file("/proc/self/stat");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const size_t end_of_name = text.rfind(')');  // the name may have anything in it
  if (end_of_name == std::string::npos) return {};
  return absl::StrSplit(text.substr(end_of_name + 1), absl::ByAnyChar(" \n"), absl::SkipEmpty());
}

uint64_t Field(const std::vector<std::string>& fields, size_t number) {
  uint64_t value = 0;
  const size_t index = number - kFirstField;
  return index < fields.size() && absl::SimpleAtoi(fields[index], &value) ? value : 0;
}

double BootTime() {
  std::ifstream file("/proc/stat");
  std::string word;
  double seconds = 0;
  while (file >> word) {
    if (word == "btime") return file >> seconds ? seconds : 0;
  }
  return 0;
}

uint64_t CountOpenFds() {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc/self/fd"), &::closedir);
  if (directory == nullptr) return 0;
  uint64_t count = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    if (entry->d_name[0] != '.') ++count;
  }
  return count - 1;  // the directory itself
}

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

OwnUsage ReadOwnUsage() {
  OwnUsage process;
  const std::vector<std::string> fields = StatFields();
  process.start_time_seconds = BootTime() + static_cast<double>(Field(fields, kStartTime)) /
                                                static_cast<double>(::sysconf(_SC_CLK_TCK));
  process.virtual_bytes = Field(fields, kVirtualBytes);
  process.resident_bytes =
      Field(fields, kResidentPages) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  process.open_fds = CountOpenFds();
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  process.cpu_seconds = Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  process.max_fds = limit.rlim_cur;
  return process;
}

}  // namespace proctor::server
