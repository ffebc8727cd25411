#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

namespace proctor {

// Whether a process of this build can run with a bound on its address space.
constexpr bool CanRunOutOfMemory() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false;
#else
  return true;
#endif
}

// From now on this process, which should be a child of the test, gets no more address space than it
// has.
inline void RunOutOfMemory() {
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit limit;
  (void)::getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = pages * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  (void)::setrlimit(RLIMIT_AS, &limit);
}

}  // namespace proctor
