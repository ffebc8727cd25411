#include "core/self/descriptor_limit.h"

#include <sys/resource.h>

#include <algorithm>

namespace proctor {
namespace {

constexpr rlim_t kMost = 1 << 20;

}  // namespace

void DescriptorLimit::Raise() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlimit raised = {std::min(limit.rlim_max, kMost), limit.rlim_max};
  if (raised.rlim_cur <= limit.rlim_cur || ::setrlimit(RLIMIT_NOFILE, &raised) != 0) return;
  before_ = limit.rlim_cur;
}

}  // namespace proctor
