#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proctor/unique_fd.h"

namespace proctor {

// The directory for the data that outlives a server. It is made with mode 0700, and no other user
// may write to it (private_path.h). It belongs to one server at a time by a lock on its file `lock`
// (flock(2)), which ends with its holder. Children between clone and exec share a lock on its file
// `starting` (see fence): while it stands, a child of an ended server may still become a program
// that no server knows. The next server waits for such children, and kills them after a second.
//
// It also reserves room: `reserve` is a file of real blocks that is given up when the disk is full,
// so that the ends of running processes can still be written.
//
// Thread-safety: none, but path(). Lifetime: holds the lock.
class StateDirectory {
 public:
  static constexpr int64_t kReserveBytes = 16 << 20;

  // Opens the directory, and makes it where there is none. Waits up to 5 s for the lock if no
  // process has its holder's pid any more.
  // Errors: FailedPrecondition (STATE_DIR_IN_USE), with the pid of the other server, or because
  // a child of it cannot be killed; (STATE_DIR_UNUSABLE) with the reason.
  static absl::StatusOr<std::unique_ptr<StateDirectory>> Open(const std::string& path);

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

  // The open file `starting`, locked: for children to hold until their exec. Stays owned.
  int fence() const { return fence_.get(); }

  // Takes room into reserve, as far as it is not.
  // Errors: ResourceExhausted (STORAGE_FULL) where there is none.
  absl::Status TakeReserve();
  // Gives it up. False if there was none.
  bool ReleaseReserve();
  bool has_reserve() const { return has_reserve_; }

 private:
  StateDirectory(std::string path, UniqueFd directory, UniqueFd lock, UniqueFd fence);

  const std::string path_;
  const UniqueFd directory_;
  const UniqueFd lock_;
  const UniqueFd fence_;
  bool has_reserve_ = false;
};

}  // namespace proctor
