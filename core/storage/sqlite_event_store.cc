#include "core/storage/sqlite_event_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/return_if_error.h"
#include "core/base/warning.h"
#include "core/storage/event_tables.h"
#include "proctor/error.h"

namespace proctor {
namespace {

constexpr uint64_t kSmallestFile = 512;  // a page, of SQLite's smallest size

}  // namespace

SqliteEventStore::SqliteEventStore(std::unique_ptr<StateDirectory> directory, Durability durability)
    : directory_(std::move(directory)),
      durability_(durability),
      path_(directory_->File("events.db")) {}

absl::StatusOr<std::unique_ptr<SqliteEventStore>> SqliteEventStore::Open(
    const std::string& directory, Durability durability) {
  ASSIGN_OR_RETURN(auto opened, StateDirectory::Open(directory));
  std::unique_ptr<SqliteEventStore> store(new SqliteEventStore(std::move(opened), durability));
  // Before all else: after a full disk this is the room that the last server left.
  const absl::Status reserved = store->directory_->TakeReserve();
  store->has_room_ = reserved.ok();
  if (!reserved.ok()) {
    Warn(absl::StrCat(std::string(reserved.message()),
                      "; new processes are refused until there is room"));
  }
  absl::Status status = store->OpenFile();
  if (absl::IsResourceExhausted(status) && store->directory_->ReleaseReserve()) {
    store->has_room_ = false;
    status = store->OpenFile();
  }
  if (absl::IsDataLoss(status)) {
    status = store->SetAside(status);
    if (status.ok()) status = store->OpenFile();
  }
  if (status.ok()) return store;
  if (absl::IsFailedPrecondition(status)) return status;
  return MakeError(
      absl::StatusCode::kFailedPrecondition, Reason::kStateDirUnusable,
      absl::StrCat("open the event log '", store->path_, "': ", std::string(status.message())),
      {{"state_dir", directory}});
}

SqliteEventStore::~SqliteEventStore() {
  if (log_id_.empty()) return;  // was not opened
  // On disk, and whole: the next server may go on with this log even after a crash.
  writer_.SetPatience(absl::Seconds(10));
  absl::Status closed = writer_.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
  closed.Update(writer_.Execute("PRAGMA synchronous = FULL"));
  closed.Update(SetMeta(writer_, "closed", "1"));
  if (!closed.ok()) Warn(absl::StrCat("close the event log: ", std::string(closed.message())));
}

absl::Status SqliteEventStore::OpenFile() {
  // SQLite takes a file of less than a page for a new one, and removes the write-ahead log.
  const uint64_t size = FileSize(path_);
  if (size < kSmallestFile && (size > 0 || FileSize(path_ + "-wal") > 0)) {
    return DamagedTables(absl::StrCat("of the file itself there are ", size, " bytes"));
  }
  // Made here for its mode, which SQLite gives the other files too. Closed before SQLite opens
  // it: this would end SQLite's locks on it (fcntl(2)).
  UniqueFd file(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return SystemError(absl::StrCat("open ", path_), errno);
  file.Reset();
  ASSIGN_OR_RETURN(auto writer, SqliteConnection::Open(path_, /*create=*/true));
  writer_ = std::move(writer);
  // All of it to the disk until the log has its id.
  absl::Status status = writer_.Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
  if (status.ok()) status = MakeTables(writer_, path_);
  if (status.ok()) status = CheckTables(writer_);
  if (status.ok()) status = BeginLog();
  if (status.ok()) {
    status = writer_.Execute(absl::StrCat("PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = ",
                                          durability_ == Durability::kPower ? "FULL" : "NORMAL"));
  }
  if (status.ok()) status = Prepare();
  // SQLITE_ERROR: our statements do not fit these tables, so they are not ours any more.
  if (ErrorVariables(status)["sqlite_code"] == "1") {
    status = DamagedTables(std::string(status.message()));
  }
  return status;
}

absl::Status SqliteEventStore::Prepare() {
  absl::Status status;
  const auto prepare = [&status](SqliteConnection& connection, const std::string& sql) {
    auto statement = connection.Prepare(sql);
    status.Update(statement.status());
    return statement.ok() ? *std::move(statement) : SqliteStatement();
  };
  begin_ = prepare(writer_, "BEGIN IMMEDIATE");
  commit_ = prepare(writer_, "COMMIT");
  rollback_ = prepare(writer_, "ROLLBACK");
  insert_event_ = prepare(writer_, "INSERT INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  trim_events_ = prepare(writer_, "DELETE FROM event WHERE sequence < ?1");
  for (size_t i = 0; i < kStateKinds; ++i) {
    const char* table = TableOf(static_cast<StateKind>(i));
    states_[i].upsert = prepare(
        writer_, absl::StrCat("INSERT INTO ", table,
                              " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (ordinal) DO UPDATE SET "
                              "id = excluded.id, body = excluded.body, "
                              "checksum = excluded.checksum"));
    states_[i].remove =
        prepare(writer_, absl::StrCat("DELETE FROM ", table, " WHERE ordinal = ?1"));
  }
  for (SqliteConnection* connection : {&checkpointer_, &reader_}) {
    ASSIGN_OR_RETURN(auto opened, SqliteConnection::Open(path_, /*create=*/false));
    absl::MutexLock lock(&reader_mutex_);
    *connection = std::move(opened);
  }
  // A checkpoint that would have to wait for a reader is put off: appends wait for a checkpoint.
  checkpointer_.SetPatience(absl::ZeroDuration());
  writer_.SetPatience(kWriterPatience);
  // Each opens its files at its first use, which must not come when descriptors are short.
  status.Update(checkpointer_.Execute("PRAGMA wal_checkpoint(PASSIVE)"));
  absl::MutexLock lock(&reader_mutex_);
  status.Update(reader_.QueryText("SELECT max(sequence) FROM event").status());
  read_events_ =
      prepare(reader_, absl::StrCat("SELECT ", kEventColumns,
                                    " FROM event WHERE sequence > ?1 ORDER BY sequence LIMIT ?2"));
  return status;
}

// Nothing is deleted: sqlite3's .recover may still get something out of it.
absl::Status SqliteEventStore::SetAside(const absl::Status& damage) {
  writer_ = SqliteConnection();
  const std::string suffix = absl::StrCat(
      ".damaged-", absl::FormatTime("%Y%m%dT%H%M%E3SZ", absl::Now(), absl::UTCTimeZone()));
  for (const char* part : {"", "-wal", "-shm", "-journal"}) {
    const std::string from = path_ + part;
    const std::string to = absl::StrCat(path_, suffix, part);
    if (::rename(from.c_str(), to.c_str()) == 0 || errno == ENOENT) continue;
    return ErrnoError(absl::StatusCode::kFailedPrecondition, Reason::kStateDirUnusable,
                      "set aside the damaged event log", from, errno);
  }
  notice_ = absl::StrCat("the event log was damaged (", std::string(damage.message()),
                         "): it was set aside as '", path_, suffix,
                         "', and what it knew of sessions, processes and events is lost");
  return absl::OkStatus();
}

}  // namespace proctor
