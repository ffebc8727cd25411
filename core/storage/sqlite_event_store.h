#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "core/event/event_store.h"
#include "core/storage/log_witness.h"
#include "core/storage/sqlite.h"
#include "core/storage/state_directory.h"

namespace proctor {

// What a written event survives.
enum class Durability {
  kProcess,  // the end of the server, however it comes
  kPower,    // also the end of the machine: each commit waits for the disk
};

// An event store in the file `events.db` of a state directory: SQLite with a write-ahead log.
//
//   events.db       tables event, session, process, start_request and session_request, each row
//                   with a checksum, and meta (log_id and so on)
//   events.db-wal   what was written last; a checkpoint moves it to the above
//   witness         the end of the log, beside it: see LogWitness
//   reserve, lock   see StateDirectory
//
// The log keeps its log_id for as long as every event that was ever shown is there. If that cannot
// be proven, the log and its kept events get a new one, because the numbers of missing events will
// be used again. That is when the machine ended without notice during a log of process durability;
// when the witness knows events that the database does not have, or another database or log; and
// when there is no witness.
//
// A directory that is restored from a copy, with its witness, is recognised by the database's other
// inode and time of birth. A restore below the files (a snapshot of the disk or the machine), or
// into them, cannot be recognised.
//
// There are three connections. One writes. One reads for readers that are behind the events in
// memory. One moves the write-ahead log into the database (Upkeep), so that no append waits for
// that; only a write-ahead log of over 64 MiB holds appends up for a moment.
//
// Thread-safety: as EventStore. Lifetime: owns the directory's lock.
class SqliteEventStore final : public EventStore {
 public:
  // Opens what is there, or begins anew. A damaged file is set aside under another name, and
  // notice() says so: the server has to start.
  // It is never deleted. A server that refused to start would be restarted for ever.
  // Errors: those of StateDirectory::Open; FailedPrecondition (STATE_DIR_UNUSABLE) of a file
  // that a newer version wrote, or that cannot be opened or read.
  static absl::StatusOr<std::unique_ptr<SqliteEventStore>> Open(const std::string& directory,
                                                                Durability durability);
  ~SqliteEventStore() override;

  const std::string& log_id() const override { return log_id_; }
  bool machine_booted() const override { return machine_booted_; }
  absl::StatusOr<Range> FindRange() override;
  absl::Status Write(const Batch& batch) override;
  absl::StatusOr<std::vector<StoredEvent>> Read(uint64_t sequence, size_t max) override;
  absl::StatusOr<std::vector<StateChange>> ReadState(StateKind kind) override;
  absl::StatusOr<uint64_t> FirstSince(absl::Time time) override;
  absl::Status CheckRoom() const override;
  void Upkeep() override;
  bool NeedsQuietUpkeep() const override;
  void QuietUpkeep() override;
  uint64_t Bytes() const override;

  // What the operator has to know of the opening; "" if nothing.
  const std::string& notice() const { return notice_; }
  const std::string& path() const { return path_; }
  // See StateDirectory.
  int fence() const { return directory_->fence(); }

 private:
  // How long an append waits for a foreign lock: longer than a query by sqlite3 takes, and too
  // short to be noticed. When that was not enough, the next ones do not wait at all.
  static constexpr absl::Duration kWriterPatience = absl::Milliseconds(200);

  SqliteEventStore(std::unique_ptr<StateDirectory> directory, Durability durability);

  static uint64_t FileSize(const std::string& path);  // 0 where there is none

  absl::Status OpenFile();
  absl::Status BeginLog();
  absl::StatusOr<std::string> FindDoubt(const std::string& log_id);
  absl::StatusOr<std::string> CompareEnd(const LogWitness::Record& record);
  void WriteWitness();
  bool IsGone() const;
  absl::Status Prepare();
  absl::Status SetAside(const absl::Status& damage);
  absl::Status WriteOnce(const Batch& batch);
  absl::Status WriteRows(const Batch& batch);

  const std::unique_ptr<StateDirectory> directory_;
  const Durability durability_;
  const std::string path_;
  std::string log_id_;
  std::string notice_;
  bool is_original_ = false;  // the witness knows this very file
  bool machine_booted_ = false;

  // The thread that writes.
  SqliteConnection writer_;
  SqliteStatement begin_, commit_, rollback_, insert_event_, trim_events_;
  struct StateStatements {
    SqliteStatement upsert, remove;
  };
  std::array<StateStatements, kStateKinds> states_;  // by kind

  std::optional<LogWitness> witness_;
  LogWitness::Record end_;  // of what is written, for the witness
  bool witness_failed_ = false;
  bool busy_ = false;  // somebody else holds the database locked

  SqliteConnection checkpointer_;
  std::atomic<bool> has_room_ = true;
  std::atomic<bool> gone_ = false;  // the files, from under us

  absl::Mutex reader_mutex_;
  SqliteConnection reader_ ABSL_GUARDED_BY(reader_mutex_);
  SqliteStatement read_events_ ABSL_GUARDED_BY(reader_mutex_);
};

}  // namespace proctor
