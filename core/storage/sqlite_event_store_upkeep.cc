// The work of an event store for which no thread waits: checkpoints, and a look at the disk.
#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "core/base/warning.h"
#include "core/storage/sqlite_event_store.h"

namespace proctor {
namespace {

// The write-ahead log is cut back when it is longer than this. Each time, an append waits for the
// disk once.
constexpr uint64_t kLongestWal = 64 << 20;
constexpr uint64_t kCheckpointFrom = 1 << 20;

}  // namespace

uint64_t SqliteEventStore::FileSize(const std::string& path) {
  struct stat status;
  return ::stat(path.c_str(), &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

// Whether the files of this log are not there any more, or others in their place.
bool SqliteEventStore::IsGone() const {
  const auto database = FileIdentity::Of(path_);
  if (!database.ok()) return absl::IsNotFound(database.status());
  return *database != end_.database || absl::IsNotFound(FileIdentity::Of(path_ + "-wal").status());
}

void SqliteEventStore::Upkeep() {
  const bool gone = IsGone();
  if (gone_.exchange(gone) != gone) {
    Warn(gone ? std::string(CheckRoom().message()) : absl::StrCat("'", path_, "' is back"));
  }
  if (FileSize(path_ + "-wal") < kCheckpointFrom) return;
  absl::Status moved = checkpointer_.Execute("PRAGMA wal_checkpoint(PASSIVE)");
  if (!moved.ok() && !absl::IsResourceExhausted(moved) && !absl::IsUnavailable(moved)) {
    Warn(absl::StrCat("checkpoint the event log: ", std::string(moved.message())));
  }
}

bool SqliteEventStore::NeedsQuietUpkeep() const {
  return !has_room_ || FileSize(path_ + "-wal") > kLongestWal;
}

void SqliteEventStore::QuietUpkeep() {
  if (FileSize(path_ + "-wal") > kLongestWal) {
    // A reader in the middle of it puts this off until the next time.
    (void)checkpointer_.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  if (!has_room_ && directory_->TakeReserve().ok()) {
    has_room_ = true;
    Warn(absl::StrCat("the disk of '", path_, "' has room again"));
  }
}

uint64_t SqliteEventStore::Bytes() const { return FileSize(path_) + FileSize(path_ + "-wal"); }

}  // namespace proctor
