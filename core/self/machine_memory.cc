#include "core/self/machine_memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace proctor {
namespace {

constexpr char kRoot[] = "/sys/fs/cgroup";

// The group of this process within the hierarchy of version 2; empty without one.
std::string OwnGroup() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    absl::string_view group = line;
    if (absl::ConsumePrefix(&group, "0::")) return std::string(group);
  }
  return "";
}

// The limit of one group; UINT64_MAX if it has none ("max"), or no such controller.
uint64_t LimitOf(const std::string& group) {
  std::ifstream file(kRoot + group + "/memory.max");
  std::string text;
  uint64_t limit = 0;
  return file >> text && absl::SimpleAtoi(text, &limit) ? limit : UINT64_MAX;
}

}  // namespace

uint64_t MachineMemory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGESIZE);
  if (pages <= 0 || size <= 0) return 0;
  uint64_t memory = static_cast<uint64_t>(pages) * static_cast<uint64_t>(size);
  // In a container the root is that of the container, and has a limit, too.
  for (std::string group = OwnGroup();; group.resize(group.rfind('/'))) {
    memory = std::min(memory, LimitOf(group));
    if (group.find('/') == std::string::npos) break;
  }
  return memory;
}

}  // namespace proctor
