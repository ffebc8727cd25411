#include "core/tree/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/return_if_error.h"
#include "core/tree/spare_descriptor.h"
#include "proctor/error.h"

namespace proctor {
namespace {

absl::Status Error(std::string_view operation, const std::string& path, int error) {
  return ErrnoError(absl::StatusCode::kFailedPrecondition, Reason::kCgroupUnavailable, operation,
                    path, error);
}

// The number behind `key` in lines "key number"; 0 where there is none.
uint64_t NumberIn(absl::string_view text, std::string_view key) {
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    uint64_t number = 0;
    if (words.size() == 2 && words[0] == absl::string_view(key.data(), key.size()) &&
        absl::SimpleAtoi(words[1], &number)) {
      return number;
    }
  }
  return 0;
}

using ShortText = std::array<char, 4096>;

// All of a file that fits into `text`; empty where it cannot be read. In one read: a second one
// would only find its end.
absl::string_view ReadShort(const std::string& path, ShortText& text) {
  const UniqueFd descriptor =
      SpareDescriptor::Get().Open([&path] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); });
  if (!descriptor) return {};
  ssize_t size = -1;
  do {
    size = ::read(descriptor.get(), text.data(), text.size());
  } while (size < 0 && errno == EINTR);
  return {text.data(), size > 0 ? static_cast<size_t>(size) : 0};
}

// The groups directly below.
std::vector<std::string> Children(const std::string& path) {
  std::vector<std::string> children;
  std::error_code error;
  std::filesystem::directory_iterator entry(path, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (entry->is_directory(error) && !entry->is_symlink(error)) children.push_back(entry->path());
  }
  return children;
}

}  // namespace

Cgroup Cgroup::Child(std::string_view name) const {
  return Cgroup(absl::StrCat(path_, "/", std::string(name)));
}

absl::Status Cgroup::Make() const {
  if (::mkdir(path_.c_str(), 0755) == 0) return absl::OkStatus();
  return Error("make the control group", path_, errno);
}

absl::StatusOr<UniqueFd> Cgroup::Open() const {
  UniqueFd directory(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return Error("open the control group", path_, errno);
  return directory;
}

absl::StatusOr<std::string> Cgroup::Read(std::string_view file) const {
  const std::string path = absl::StrCat(path_, "/", std::string(file));
  const UniqueFd descriptor =
      SpareDescriptor::Get().Open([&path] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); });
  if (!descriptor) return Error("open", path, errno);
  std::string text;
  char buffer[4096];
  while (true) {
    const ssize_t size = ::read(descriptor.get(), buffer, sizeof(buffer));
    if (size == 0) return text;
    if (size > 0) {
      text.append(buffer, static_cast<size_t>(size));
    } else if (errno != EINTR) {
      return Error("read", path, errno);
    }
  }
}

absl::Status Cgroup::Write(std::string_view file, std::string_view text) const {
  const std::string path = absl::StrCat(path_, "/", std::string(file));
  const UniqueFd descriptor =
      SpareDescriptor::Get().Open([&path] { return ::open(path.c_str(), O_WRONLY | O_CLOEXEC); });
  ssize_t size = -1;
  if (descriptor) {
    do {
      size = ::write(descriptor.get(), text.data(), text.size());
    } while (size < 0 && errno == EINTR);
  }
  if (size < 0) return Error("write", path, errno);
  return absl::OkStatus();
}

bool Cgroup::Has(std::string_view file) const {
  return ::access(absl::StrCat(path_, "/", std::string(file)).c_str(), F_OK) == 0;
}

uint64_t Cgroup::ReadNumber(std::string_view file, std::string_view key) const {
  ShortText text;
  return NumberIn(ReadShort(absl::StrCat(path_, "/", std::string(file)), text), key);
}

uint64_t Cgroup::ReadNumber(std::string_view file) const {
  uint64_t number = 0;
  ShortText text;
  const auto read = ReadShort(absl::StrCat(path_, "/", std::string(file)), text);
  return absl::SimpleAtoi(read, &number) ? number : 0;
}

absl::StatusOr<bool> Cgroup::Populated() const {
  auto text = Read("cgroup.events");
  if (text.ok()) return NumberIn(*text, "populated") != 0;
  const std::string error = ErrorVariables(text.status())["errno_name"];
  if (error == "ENOENT" || error == "ENODEV") return false;
  return text.status();
}

bool Cgroup::IsPopulated(int events) {
  char text[256];
  const ssize_t size = ::pread(events, text, sizeof(text), 0);
  // ENODEV: it is removed.
  return size > 0 && NumberIn({text, static_cast<size_t>(size)}, "populated") != 0;
}

std::set<pid_t> Cgroup::Members() const {
  std::set<pid_t> members;
  if (auto text = Read("cgroup.procs"); text.ok()) {
    for (absl::string_view line : absl::StrSplit(*text, '\n', absl::SkipEmpty())) {
      pid_t pid = 0;
      if (absl::SimpleAtoi(line, &pid) && pid > 0) members.insert(pid);
    }
  }
  for (const std::string& child : Children(path_)) members.merge(Cgroup(child).Members());
  return members;
}

absl::Status Cgroup::Kill() const {
  if (Has("cgroup.kill")) return Write("cgroup.kill", "1");
  // A frozen process does not fork, and a listed member stays one: no pid passes to another
  // process.
  RETURN_IF_ERROR(Write("cgroup.freeze", "1"));
  for (const pid_t pid : Members()) ::kill(pid, SIGKILL);
  return Write("cgroup.freeze", "0");
}

bool Cgroup::Remove() const {
  if (::rmdir(path_.c_str()) == 0 || errno == ENOENT) return true;
  if (errno != EBUSY && errno != ENOTEMPTY) return false;
  for (const std::string& child : Children(path_)) {
    if (!Cgroup(child).Remove()) return false;
  }
  return ::rmdir(path_.c_str()) == 0;
}

}  // namespace proctor
