#include "server/listen/descriptor_reserve.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>

namespace proctor::server {
namespace {

constexpr uint64_t kMostReserved = 1024;

uint64_t InUse(int fd) {
  struct stat open;
  const bool told = ::stat("/proc/self/fd", &open) == 0 && open.st_size > 0;
  return std::max(static_cast<uint64_t>(fd) + 1, told ? static_cast<uint64_t>(open.st_size) : 0);
}

}  // namespace

uint64_t DescriptorReserve(uint64_t limit) { return std::min(limit / 4, kMostReserved); }

bool TakesFromReserve(int fd) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return false;
  return InUse(fd) + DescriptorReserve(limit.rlim_cur) > limit.rlim_cur;
}

}  // namespace proctor::server
