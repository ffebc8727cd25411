#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/unique_fd.h"

namespace proctor {

// The directory in which a server keeps what has to outlive it. It is of mode 0700, and
// belongs to one server at a time: a lock on its file `lock` (flock(2)) says so, which ends
// with its holder.
//
// It also keeps some room in hand, `reserve`: a file of real blocks that is given up when the
// disk is full, so that the ends of what runs can still be written.
//
// Thread-safety: none, but path(). Lifetime: holds the lock.
class StateDirectory {
 public:
  static constexpr int64_t kReserveBytes = 16 << 20;

  // Opens the directory, and makes it where there is none.
  // Errors: FailedPrecondition (STATE_DIR_IN_USE), with the pid of the other server;
  // (STATE_DIR_UNUSABLE) with the reason.
  static absl::StatusOr<std::unique_ptr<StateDirectory>> Open(const std::string& path);

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

  // Takes room into reserve, as far as it is not.
  // Errors: ResourceExhausted (STORAGE_FULL) where there is none.
  absl::Status TakeReserve();
  // Gives it up. False if there was none.
  bool ReleaseReserve();
  bool has_reserve() const { return has_reserve_; }

 private:
  StateDirectory(std::string path, UniqueFd lock);

  const std::string path_;
  const UniqueFd lock_;
  bool has_reserve_ = false;
};

}  // namespace proctor
