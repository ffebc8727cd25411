#include "tests/core/open_descriptors.h"

#include <dirent.h>
#include <stdlib.h>

namespace proctor {

std::set<int> OpenDescriptors() {
  std::set<int> descriptors;
  DIR* directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return descriptors;
  while (dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] != '.') descriptors.insert(::atoi(entry->d_name));
  }
  descriptors.erase(::dirfd(directory));
  ::closedir(directory);
  return descriptors;
}

}  // namespace proctor
