#pragma once

#include <dirent.h>

#include <memory>

namespace proctor {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// An open directory (opendir(3)), or none. Closes it at its end.
using Directory = std::unique_ptr<DIR, CloseDirectory>;

}  // namespace proctor
