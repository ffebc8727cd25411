#pragma once

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/core/storage/temporary_directory.h"

namespace proctor {

// A file system of some MiB that only this thread sees, and what it starts from then on:
// threads and processes. Needs root, or user namespaces; the calling thread stays in a mount
// namespace of its own.
//
// Thread-safety: none.
class SmallDisk {
 public:
  explicit SmallDisk(int mebibytes) { why_not_ = Mount(mebibytes); }
  ~SmallDisk() {
    if (why_not_.empty()) ::umount2(directory_.path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  // Why there is none; "" if there is.
  const std::string& why_not() const { return why_not_; }
  const std::string& path() const { return directory_.path(); }

  // Takes all room that is left, to the last page.
  void Fill() const {
    const int file = ::open(Filler().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ASSERT_GE(file, 0) << strerror(errno);
    const std::string page(4096, 'x');
    while (::write(file, page.data(), page.size()) > 0) {
    }
    EXPECT_EQ(errno, ENOSPC);
    ::close(file);
  }
  // Gives it back.
  void Relieve() const { EXPECT_EQ(::unlink(Filler().c_str()), 0) << strerror(errno); }

 private:
  std::string Filler() const { return directory_.File("filler"); }

  static bool WriteTo(const char* path, const std::string& text) {
    const int file = ::open(path, O_WRONLY | O_CLOEXEC);
    const bool written = ::write(file, text.data(), text.size()) >= 0;
    if (file >= 0) ::close(file);
    return written;
  }

  std::string Mount(int mebibytes) const {
    const uid_t user = ::geteuid();
    const gid_t group = ::getegid();
    if (::unshare(user == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0) {
      return absl::StrCat("a mount namespace cannot be had here: ", strerror(errno));
    }
    if (user != 0 && (!WriteTo("/proc/self/setgroups", "deny") ||
                      !WriteTo("/proc/self/uid_map", absl::StrCat("0 ", user, " 1")) ||
                      !WriteTo("/proc/self/gid_map", absl::StrCat("0 ", group, " 1")))) {
      return absl::StrCat("a user namespace cannot be had here: ", strerror(errno));
    }
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", path().c_str(), "tmpfs", 0,
                absl::StrCat("size=", mebibytes, "m,mode=0700").c_str()) != 0) {
      return absl::StrCat("a tmpfs cannot be mounted here: ", strerror(errno));
    }
    return "";
  }

  TemporaryDirectory directory_;
  std::string why_not_;
};

}  // namespace proctor
