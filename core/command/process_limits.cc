#include "proctor/process_limits.h"

#include <sys/resource.h>

#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "core/command/excerpt.h"
#include "proctor/error.h"

namespace proctor {
namespace {

constexpr double kLeastCpus = 0.01;  // cpu.max of 1 ms in 100 ms, the kernel's least
constexpr double kMostCpus = 100000;
constexpr uint32_t kMostIoWeight = 10000;

// RLIMIT_LOCKS is left out: it means nothing to the kernel, and is the mark of a tree.
constexpr struct {
  std::string_view name;
  int number;
} kResources[] = {
    {"as", RLIMIT_AS},
    {"core", RLIMIT_CORE},
    {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},
    {"fsize", RLIMIT_FSIZE},
    {"memlock", RLIMIT_MEMLOCK},
    {"msgqueue", RLIMIT_MSGQUEUE},
    {"nice", RLIMIT_NICE},
    {"nofile", RLIMIT_NOFILE},
    {"nproc", RLIMIT_NPROC},
    {"rss", RLIMIT_RSS},
    {"rtprio", RLIMIT_RTPRIO},
    {"rttime", RLIMIT_RTTIME},
    {"sigpending", RLIMIT_SIGPENDING},
    {"stack", RLIMIT_STACK},
};

std::string KnownResources() {
  std::string names;
  for (const auto& resource : kResources) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", std::string(resource.name));
  }
  return names;
}

}  // namespace

std::optional<int> ResourceNumber(std::string_view name) {
  for (const auto& resource : kResources) {
    if (resource.name == name) return resource.number;
  }
  return std::nullopt;
}

absl::Status ValidateResourceLimits(const std::vector<ResourceLimit>& limits) {
  std::set<std::string_view> named;
  for (size_t i = 0; i < limits.size(); ++i) {
    const ResourceLimit& limit = limits[i];
    const std::string path = absl::StrCat("[", i, "]");
    if (!ResourceNumber(limit.resource).has_value()) {
      return InvalidField(absl::StrCat(path, ".resource"),
                          absl::StrCat("unknown resource '", Excerpt(limit.resource),
                                       "'; known are ", KnownResources()));
    }
    if (!named.insert(limit.resource).second) {
      return InvalidField(absl::StrCat(path, ".resource"),
                          absl::StrCat("'", limit.resource, "' is named twice"));
    }
    const uint64_t soft = limit.soft.value_or(RLIM_INFINITY);
    const uint64_t hard = limit.hard.value_or(RLIM_INFINITY);
    if (soft > hard) {
      return InvalidField(
          absl::StrCat(path, ".soft"),
          absl::StrCat("the soft limit of '", limit.resource, "' is greater than the hard one"));
    }
  }
  return absl::OkStatus();
}

absl::Status ValidateCgroupLimits(const CgroupLimits& limits) {
  const bool cpus_wanted = limits.cpus != 0;
  if (std::isnan(limits.cpus) ||
      (cpus_wanted && (limits.cpus < kLeastCpus || limits.cpus > kMostCpus))) {
    return InvalidField("cpus", absl::StrCat("is outside ", kLeastCpus, " to ", kMostCpus));
  }
  if (limits.io_weight > kMostIoWeight) {
    return InvalidField("io_weight", absl::StrCat("is greater than ", kMostIoWeight));
  }
  return absl::OkStatus();
}

}  // namespace proctor
