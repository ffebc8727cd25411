#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/output/output_log.h"

namespace proctor {

// The outputs of ended processes, in files of one directory (output_file.h), within a bound: so
// that they can be read when their session is closed, or their server was another one.
//
// All work on files is done by one background thread, in the order of the calls: no thread of a
// session or of an RPC waits for a disk. An output that cannot be kept loses only its copy on disk:
// that is counted, with one warning until it goes well again.
//
//   session's thread     the background thread              an RPC
//   Keep ─────Post─────▶ make room, write, rename
//                        read, check ◀─────────────Post──── Read
//                                    ───────done──────────▶
//   Remove ───Post─────▶ unlink
//
// Thread-safety: all methods from any thread. Lifetime: shared, because the thread outlives it.
class OutputStore : public std::enable_shared_from_this<OutputStore> {
 public:
  struct Options {
    std::string directory;                             // made where there is none, with mode 0700
    uint64_t max_bytes = 0;                            // of all files; not 0
    bool durable = false;                              // each file waits for the disk
    uint64_t left_free = 64 << 20;                     // of the file system, for others
    std::function<uint64_t()> free_bytes;              // of the file system; empty: it is asked
    uint64_t max_pending_bytes = uint64_t{256} << 20;  // of memory, that wait for a slow disk
  };

  // Opens the directory and looks at names and sizes, not into files.
  // Errors: Internal (STORAGE_FAILED), ResourceExhausted (STORAGE_FULL).
  static absl::StatusOr<std::shared_ptr<OutputStore>> Open(Options options);
  // Removes all that is in such a directory, if there is one.
  static void Clear(const std::string& directory);

  // Removes all but those of processes that are known.
  void RetainOnly(const std::function<bool(const std::string& process_id)>& is_known);

  // Keeps an output that is complete, in place of an earlier one of the process, which goes in any
  // case. The oldest ones go where there is no room, within the bound or in the file system.
  void Keep(const std::string& process_id, std::shared_ptr<const OutputLog> output);

  // An output cannot be handed to Keep: it is lost, and an earlier one goes.
  void GiveUp(const std::string& process_id, const absl::Status& why);

  // Forgets that of a process, if there is one.
  void Remove(const std::string& process_id);

  // Whether that of a process is kept, or about to be.
  bool Has(std::string_view process_id) const;
  // How large the file is at most, or will be; 0 where there is none.
  uint64_t SizeOf(std::string_view process_id) const;

  // Reads that of a process, and tells `done` on the background thread, or at once where that
  // cannot be made. A disk that hangs is waited for. Errors: those of ReadOutputFile;
  // ResourceExhausted (OUT_OF_THREADS).
  using Done = std::function<void(absl::StatusOr<std::shared_ptr<const OutputLog>>)>;
  void Read(const std::string& process_id, Done done);

  // Waits until all that was kept is written. False if it was not by `deadline`.
  bool Flush(absl::Time deadline) const;

  struct Use {
    uint64_t outputs = 0;
    uint64_t bytes = 0;
    uint64_t max_bytes = 0;
    uint64_t lost = 0;     // that could not be kept, since the start
    uint64_t removed = 0;  // to make room, since the start
  };
  Use use() const;

  // What is kept and what waits for the disk, for people.
  std::string DebugString() const;

 private:
  struct File {
    uint64_t turn = 0;  // the oldest has the least
    uint64_t size = 0;
  };
  // Writes of a process that wait.
  struct Pending {
    uint64_t writes = 0;
    uint64_t size = 0;  // of the largest file
  };

  explicit OutputStore(Options options) : options_(std::move(options)) {}

  absl::Status Scan();
  std::string PathOf(std::string_view process_id) const;
  absl::Status Post(absl::AnyInvocable<void()> work);
  void Write(const std::string& process_id, const OutputLog& output);
  uint64_t FreeBytes() const;
  absl::Status MakeRoom(const std::string& process_id, uint64_t size);
  void Unlink(const std::string& process_id);
  void Lose(const std::string& process_id, const absl::Status& why);
  void EndPending(const std::string& process_id, uint64_t bytes);
  void NoteFile(const std::string& process_id, uint64_t size) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool DropFile(const std::string& process_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool NothingPending() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return pending_.empty(); }

  const Options options_;

  mutable absl::Mutex mutex_;
  absl::flat_hash_map<std::string, File> files_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, std::string> by_turn_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_turn_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, Pending> pending_ ABSL_GUARDED_BY(mutex_);
  uint64_t pending_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool trouble_told_ ABSL_GUARDED_BY(mutex_) = false;
  Use use_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor
