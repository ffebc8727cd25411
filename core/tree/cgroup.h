#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proctor/unique_fd.h"

namespace proctor {

// One control group of version 2, as its directory (cgroups(7), and the kernel's
// Documentation/admin-guide/cgroup-v2.rst). A value like a path: it neither makes nor removes
// the group by itself.
//
// Thread-safety: const methods from any thread.
class Cgroup {
 public:
  explicit Cgroup(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  Cgroup Child(std::string_view name) const;

  // Errors: FailedPrecondition (CGROUP_UNAVAILABLE) with errno.
  absl::Status Make() const;
  absl::StatusOr<UniqueFd> Open() const;  // the directory

  // One of its files.
  // Errors: as above.
  absl::StatusOr<std::string> Read(std::string_view file) const;
  absl::Status Write(std::string_view file, std::string_view text) const;
  bool Has(std::string_view file) const;

  // The number behind `key` in a file of lines "key number"; 0 where there is none.
  uint64_t ReadNumber(std::string_view file, std::string_view key) const;
  // The number that is all of a file; 0 where there is none.
  uint64_t ReadNumber(std::string_view file) const;

  // Whether a process that is not a zombie is in it or below; no if it is gone.
  // Errors: as above where that cannot be told, for want of a descriptor, say.
  absl::StatusOr<bool> Populated() const;

  // The same for a group by its open cgroup.events `events`, which takes no descriptor.
  static bool IsPopulated(int events);

  // The processes in it and below, as far as they can be read.
  std::set<pid_t> Members() const;

  // SIGKILL to all in it and below; at once by cgroup.kill (Linux 5.14), before that frozen.
  // Errors: as Write.
  absl::Status Kill() const;

  // Removes it and what is below. False while processes are in it, or if it cannot be removed;
  // true if it is gone already.
  bool Remove() const;

 private:
  std::string path_;
};

}  // namespace proctor
