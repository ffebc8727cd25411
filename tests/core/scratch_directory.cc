#include "tests/core/scratch_directory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"

namespace proctor {

ScratchDirectory::ScratchDirectory() : path_(testing::TempDir() + "proctor-XXXXXX") {
  if (::mkdtemp(path_.data()) == nullptr) ADD_FAILURE() << "mkdtemp " << path_;
  path_ = std::filesystem::canonical(path_);
}

ScratchDirectory::~ScratchDirectory() { std::filesystem::remove_all(path_); }

std::string ScratchDirectory::Write(std::string_view name, std::string_view text,
                                    unsigned mode) const {
  std::string path = absl::StrCat(path_, "/", std::string(name));
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  EXPECT_GE(fd, 0) << path;
  EXPECT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  EXPECT_EQ(::fchmod(fd, mode), 0);
  ::close(fd);
  return path;
}

}  // namespace proctor
