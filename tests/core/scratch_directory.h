#pragma once

#include <string>
#include <string_view>

namespace proctor {

// A directory for the files of one test, removed with them.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::string& path() const { return path_; }

  // Writes a file with a mode; returns its path.
  std::string Write(std::string_view name, std::string_view text, unsigned mode) const;

 private:
  std::string path_;
};

}  // namespace proctor
