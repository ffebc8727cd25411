#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/output/output_log.h"

namespace proctor {

// The file that one complete output is kept in, of numbers in little endian:
//
//   header     "proctor\n", version, checksum, and the sizes of what follows
//   id         of the process, so that a file under another name is noticed
//   totals     of each stream
//   milestones ends of files and the process's end, among the bytes
//   chunks     stream, offset, size and time of each
//   bytes      of all chunks, one after another
//
// The checksum (CRC-32) is of all that stands behind it, and a file has just the size that its
// header says: one that is cut or damaged is refused as a whole. A database was rejected: outputs
// are written once, read as a whole and removed one by one, which is what files are for, and a
// file leaves no bytes of a removed output behind in one that stays.
//
// Rejected: to read in pieces. Damage would be found only after some of the output was sent.
//
// Thread-safety: functions without state; they block on the disk.

// The size that the file has.
uint64_t OutputFileSize(std::string_view process_id, const OutputLog& output);

// The memory that an output takes, its index included.
uint64_t OutputMemory(const OutputLog& output);
// The most that it takes when it was read, for each byte of its file: the index of chunks of one
// byte each is the largest.
inline constexpr uint64_t kMemoryPerFileByte = 2;

// Writes the file, under another name until it is complete, with mode 0600; the one that was
// there before is replaced. `output` is settled. `durable` waits for the disk, which then has the
// name too. Errors: ResourceExhausted (STORAGE_FULL, OUTPUT_MEMORY), Internal (STORAGE_FAILED),
// with nothing left behind.
absl::Status WriteOutputFile(const std::string& path, std::string_view process_id,
                             const OutputLog& output, bool durable);

// Errors: NotFound (OUTPUT_NOT_KEPT) if there is no file; DataLoss (OUTPUT_DAMAGED) if it is not
// as it was written, in words that say what is wrong; ResourceExhausted (OUTPUT_MEMORY); Internal
// (STORAGE_FAILED).
absl::StatusOr<std::shared_ptr<const OutputLog>> ReadOutputFile(const std::string& path,
                                                                std::string_view process_id);

// Waits until the disk has the names in the directory that `path` is in.
// Errors: those of WriteOutputFile.
absl::Status SyncDirectoryOf(const std::string& path);

// The error of a failed system call on the store's files: ResourceExhausted (STORAGE_FULL) for a
// full disk, else Internal (STORAGE_FAILED).
absl::Status OutputStorageError(const char* operation, const std::string& path, int error);

// The suffix of a file that is not complete.
inline constexpr char kUnfinishedSuffix[] = ".new";

}  // namespace proctor
