#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proctor/unique_fd.h"

namespace proctor {

// Which file this is: another one of the same name, a copy too, has another identity. A value.
struct FileIdentity {
  uint64_t inode = 0;
  int64_t born_ns = 0;  // 0 where the file system does not know

  // Errors: NotFound where there is none; Internal (STORAGE_FAILED), with the errno.
  static absl::StatusOr<FileIdentity> Of(const std::string& path);

  bool operator==(const FileIdentity&) const = default;
};

// A record beside the database of how far the event log goes. With it the next server proves that
// it has the whole log: a database that lost its end, or was exchanged, cannot tell.
//
// The file `witness` has one record, which is overwritten after each commit and read once, at the
// start. That is one more write to the page cache (0.5 µs), which survives the end of the server
// like the commit itself. A mapped page would cost less, but end the server by SIGBUS if the file
// were cut off.
//
// It knows nothing of what was recorded without an event, such as a request that began nothing.
//
// Thread-safety: none; used by the store's writer. Lifetime: owns its descriptor.
class LogWitness {
 public:
  struct Record {
    std::string log_id;
    FileIdentity database;
    uint64_t last = 0;     // event; 0: none
    int64_t checksum = 0;  // of its row

    bool operator==(const Record&) const = default;
  };

  // Opens the file, and makes it where there is none.
  // Errors: Internal (STORAGE_FAILED), with the errno.
  static absl::StatusOr<LogWitness> Open(const std::string& path);

  // The last record. `log_id` is empty where there is none.
  // Errors: DataLoss (STORAGE_CORRUPT) for one that is damaged; Internal (STORAGE_FAILED).
  absl::StatusOr<Record> Read() const;

  // Errors: ResourceExhausted (STORAGE_FULL); Internal (STORAGE_FAILED).
  absl::Status Write(const Record& record) const;

 private:
  UniqueFd file_;
  std::string path_;
};

}  // namespace proctor
