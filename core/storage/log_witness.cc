#include "core/storage/log_witness.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "proctor/error.h"

namespace proctor {
namespace {

constexpr char kMagic[8] = {'p', 'r', 'o', 'c', 't', 'o', 'r', '1'};

// As it is in the file. Of the machine's own byte order: a witness does not travel.
struct Layout {
  char magic[8];
  char log_id[64];
  uint64_t inode;
  int64_t born_ns;
  uint64_t last;
  int64_t checksum;
  uint64_t sum;  // of all before
};
static_assert(sizeof(Layout) == 112, "without padding, and within a sector");

uint64_t SumOf(const Layout& layout) {
  return ::crc32_z(0, reinterpret_cast<const Bytef*>(&layout), offsetof(Layout, sum));
}

absl::Status FileError(std::string_view operation, const std::string& path, int error) {
  const bool full = error == ENOSPC || error == EDQUOT;
  return ErrnoError(full ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kInternal,
                    full ? Reason::kStorageFull : Reason::kStorageFailed, operation, path, error);
}

}  // namespace

absl::StatusOr<FileIdentity> FileIdentity::Of(const std::string& path) {
  struct statx status;
  if (::statx(AT_FDCWD, path.c_str(), AT_STATX_SYNC_AS_STAT, STATX_INO | STATX_BTIME, &status) !=
      0) {
    if (errno == ENOENT) return absl::NotFoundError(absl::StrCat("there is no ", path));
    return FileError("look at", path, errno);
  }
  FileIdentity identity;
  identity.inode = status.stx_ino;
  if ((status.stx_mask & STATX_BTIME) != 0) {
    identity.born_ns = status.stx_btime.tv_sec * 1'000'000'000 + status.stx_btime.tv_nsec;
  }
  return identity;
}

absl::StatusOr<LogWitness> LogWitness::Open(const std::string& path) {
  LogWitness witness;
  witness.path_ = path;
  witness.file_ = UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!witness.file_) return FileError("open", path, errno);
  return witness;
}

absl::StatusOr<LogWitness::Record> LogWitness::Read() const {
  Layout layout;
  const ssize_t size = ::pread(file_.get(), &layout, sizeof layout, 0);
  if (size < 0) return FileError("read", path_, errno);
  if (size == 0) return Record();
  if (size != sizeof layout || ::memcmp(layout.magic, kMagic, sizeof kMagic) != 0 ||
      layout.sum != SumOf(layout)) {
    return MakeError(absl::StatusCode::kDataLoss, Reason::kStorageCorrupt,
                     absl::StrCat("'", path_, "' is not as it was written"));
  }
  Record record;
  record.log_id.assign(layout.log_id, ::strnlen(layout.log_id, sizeof layout.log_id));
  record.database = {layout.inode, layout.born_ns};
  record.last = layout.last;
  record.checksum = layout.checksum;
  return record;
}

absl::Status LogWitness::Write(const Record& record) const {
  Layout layout = {};
  ::memcpy(layout.magic, kMagic, sizeof kMagic);
  ::memcpy(layout.log_id, record.log_id.data(),
           std::min(record.log_id.size(), sizeof layout.log_id));
  layout.inode = record.database.inode;
  layout.born_ns = record.database.born_ns;
  layout.last = record.last;
  layout.checksum = record.checksum;
  layout.sum = SumOf(layout);
  const ssize_t size = ::pwrite(file_.get(), &layout, sizeof layout, 0);
  if (size == sizeof layout) return absl::OkStatus();
  return FileError("write", path_, size < 0 ? errno : ENOSPC);
}

}  // namespace proctor
