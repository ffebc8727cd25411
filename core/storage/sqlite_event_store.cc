#include "core/storage/sqlite_event_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/error.h"
#include "core/base/random_id.h"
#include "core/base/return_if_error.h"
#include "core/base/warning.h"
#include "core/storage/row_checksum.h"

namespace proctor {
namespace {

// The write-ahead log is cut back when it is longer than this. Each time, whoever appends
// waits for the disk once.
constexpr uint64_t kLongestWal = 64 << 20;
constexpr uint64_t kCheckpointFrom = 1 << 20;

// How long whoever appends, and all who wait for him, wait for a foreign lock: longer than
// somebody's sqlite3 takes for a query, and not so long that anybody notices. Once that was not
// enough, the lock is only looked at.
constexpr absl::Duration kPatience = absl::Milliseconds(200);

constexpr uint64_t kSmallestFile = 512;  // a page, of SQLite's smallest size

// Format 2 has the tables of requests; format 1 is brought to it. A server of format 1 must not
// write to a file of format 2: it would run again what was asked for before.
constexpr int kSchemaVersion = 2;
constexpr char kFirstSchema[] = R"(
  BEGIN;
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE event (
    sequence INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL,
    session_id TEXT NOT NULL, process_id TEXT NOT NULL, body BLOB NOT NULL,
    checksum INTEGER NOT NULL);
  CREATE TABLE session (ordinal INTEGER PRIMARY KEY, id TEXT NOT NULL, body BLOB NOT NULL,
    checksum INTEGER NOT NULL);
  CREATE TABLE process (ordinal INTEGER PRIMARY KEY, id TEXT NOT NULL, body BLOB NOT NULL,
    checksum INTEGER NOT NULL);
  PRAGMA user_version = 1;
  COMMIT;)";
constexpr char kSecondSchema[] = R"(
  BEGIN;
  CREATE TABLE start_request (ordinal INTEGER PRIMARY KEY, id TEXT NOT NULL, body BLOB NOT NULL,
    checksum INTEGER NOT NULL);
  CREATE TABLE session_request (ordinal INTEGER PRIMARY KEY, id TEXT NOT NULL,
    body BLOB NOT NULL, checksum INTEGER NOT NULL);
  PRAGMA user_version = 2;
  COMMIT;)";

// By kind.
constexpr std::array<const char*, kStateKinds> kTables = {"session", "process", "start_request",
                                                          "session_request"};
const char* TableOf(StateKind kind) { return kTables[static_cast<size_t>(kind)]; }

const char* NameOf(Durability durability) {
  return durability == Durability::kPower ? "power" : "process";
}

// This boot of the machine; see random(4).
std::string BootId() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

uint64_t FileSize(const std::string& path) {
  struct stat status;
  return ::stat(path.c_str(), &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

absl::Status Damaged(std::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, Reason::kStorageCorrupt, what);
}

// The columns of a row, in this order in all statements.
constexpr char kEventColumns[] = "sequence, time_ns, session_id, process_id, body, checksum";
constexpr char kStateColumns[] = "ordinal, id, body, checksum";

StoredEvent ReadEvent(const SqliteStatement& row) {
  return {static_cast<uint64_t>(row.Int(0)), absl::FromUnixNanos(row.Int(1)), row.Text(2),
          row.Text(3), row.Text(4)};
}

StateChange ReadStateRow(StateKind kind, const SqliteStatement& row) {
  return {kind, static_cast<uint64_t>(row.Int(0)), row.Text(1), row.Text(2)};
}

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
  // On disk, and whole: the next server may go on with this log whatever happened meanwhile.
  writer_.SetPatience(absl::Seconds(10));
  absl::Status closed = writer_.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
  closed.Update(writer_.Execute("PRAGMA synchronous = FULL"));
  closed.Update(SetMeta("closed", "1"));
  if (!closed.ok()) Warn(absl::StrCat("close the event log: ", std::string(closed.message())));
}

absl::Status SqliteEventStore::OpenFile() {
  // SQLite takes a file of less than a page for a new one, and removes the write-ahead log.
  const uint64_t size = FileSize(path_);
  if (size < kSmallestFile && (size > 0 || FileSize(path_ + "-wal") > 0)) {
    return Damaged(absl::StrCat("of the file itself there are ", size, " bytes"));
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
  if (status.ok()) status = CheckFile();
  if (status.ok()) status = BeginLog();
  if (status.ok()) {
    status = writer_.Execute(absl::StrCat("PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = ",
                                          durability_ == Durability::kPower ? "FULL" : "NORMAL"));
  }
  if (status.ok()) status = Prepare();
  // SQLITE_ERROR: our statements do not fit these tables, so they are not ours any more.
  if (ErrorVariables(status)["sqlite_code"] == "1") status = Damaged(std::string(status.message()));
  return status;
}

// A fresh file gets its tables, and one of an earlier format those that it lacks.
absl::Status SqliteEventStore::CheckFormat() {
  auto version = writer_.QueryText("PRAGMA user_version");
  if (!version.ok()) return version.status();
  ASSIGN_OR_RETURN(auto tables, writer_.QueryText("SELECT count(*) FROM sqlite_schema"));
  if (*version == "0" && tables == "0") {
    absl::Status made = writer_.Execute(kFirstSchema);
    return made.ok() ? writer_.Execute(kSecondSchema) : made;
  }
  if (*version == "1") return writer_.Execute(kSecondSchema);
  if (*version != absl::StrCat(kSchemaVersion)) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, Reason::kStateDirUnusable,
        absl::StrCat("the event log '", path_, "' is of format ", *version,
                     ", and this server knows format ", kSchemaVersion,
                     ": run the version that wrote it, or name another state directory"));
  }
  return absl::OkStatus();
}

// What is there has to be whole.
absl::Status SqliteEventStore::CheckFile() {
  RETURN_IF_ERROR(CheckFormat());
  ASSIGN_OR_RETURN(auto whole, writer_.QueryText("PRAGMA quick_check(1)"));
  if (whole != "ok") return Damaged(whole);
  ASSIGN_OR_RETURN(
      auto holes,
      writer_.QueryText(
          "SELECT coalesce(max(sequence) - min(sequence) + 1, 0) - count(*) FROM event"));
  if (holes != "0") return Damaged(absl::StrCat(holes, " events are missing among the others"));
  return CheckRows();
}

absl::Status SqliteEventStore::CheckRows() {
  ASSIGN_OR_RETURN(auto events,
                   writer_.Prepare(absl::StrCat("SELECT ", kEventColumns, " FROM event")));
  auto row = events.Step();
  for (; row.ok() && *row; row = events.Step()) {
    const StoredEvent event = ReadEvent(events);
    if (ChecksumOf(event) == events.Int(5)) continue;
    return Damaged(absl::StrCat("event ", event.sequence, " is not as it was written"));
  }
  if (!row.ok()) return row.status();
  for (size_t i = 0; i < kStateKinds; ++i) {
    const StateKind kind = static_cast<StateKind>(i);
    ASSIGN_OR_RETURN(auto states, writer_.Prepare(absl::StrCat("SELECT ", kStateColumns, " FROM ",
                                                               TableOf(kind))));
    for (row = states.Step(); row.ok() && *row; row = states.Step()) {
      const StateChange state = ReadStateRow(kind, states);
      if (ChecksumOf(state) == states.Int(3)) continue;
      return Damaged(absl::StrCat(TableOf(kind), " ", state.ordinal, " is not as it was written"));
    }
    if (!row.ok()) return row.status();
  }
  return absl::OkStatus();
}

absl::Status SqliteEventStore::BeginLog() {
  auto log_id = GetMeta("log_id");
  auto closed = GetMeta("closed");
  auto boot_id = GetMeta("boot_id");
  auto durability = GetMeta("durability");
  for (const auto* value : {&log_id, &closed, &boot_id, &durability}) {
    if (!value->ok()) return value->status();
  }
  const std::string boot = BootId();
  const bool tail_may_be_lost =
      *closed != "1" && *durability == NameOf(Durability::kProcess) && *boot_id != boot;
  ASSIGN_OR_RETURN(auto doubt, FindDoubt(*log_id));
  // The processes of a copy may run on the machine of the original.
  machine_booted_ = is_original_ && !boot_id->empty() && !boot.empty() && *boot_id != boot;
  if (tail_may_be_lost) doubt = "the machine ended without notice, and the last events may be lost";
  log_id_ = *log_id;
  if (log_id_.empty() || !doubt.empty()) log_id_ = NewRandomId();
  if (!doubt.empty() && notice_.empty()) {
    notice_ =
        log_id->empty()
            ? absl::StrCat(doubt, ": the event log begins anew as '", log_id_, "'")
            : absl::StrCat(doubt, ": the event log '", *log_id, "' goes on as '", log_id_, "'");
  }
  absl::Status status = writer_.Execute("BEGIN IMMEDIATE");
  status.Update(SetMeta("log_id", log_id_));
  status.Update(SetMeta("boot_id", boot));
  status.Update(SetMeta("durability", NameOf(durability_)));
  status.Update(SetMeta("closed", "0"));
  status.Update(SetMeta("witness", "1"));
  if (status.ok()) status = writer_.Execute("COMMIT");
  if (!status.ok()) {
    (void)writer_.Execute("ROLLBACK");
    return status;
  }
  end_.log_id = log_id_;
  WriteWitness();
  return status;
}

// Why it is not certain that the database has all that was ever shown of the log; "" if it is.
// Finds its end, too.
absl::StatusOr<std::string> SqliteEventStore::FindDoubt(const std::string& log_id) {
  auto database = FileIdentity::Of(path_);
  if (!database.ok()) return database.status();
  end_.database = *database;
  ASSIGN_OR_RETURN(
      auto newest,
      writer_.Prepare("SELECT sequence, checksum FROM event ORDER BY sequence DESC LIMIT 1"));
  ASSIGN_OR_RETURN(auto row, newest.Step());
  end_.last = row ? static_cast<uint64_t>(newest.Int(0)) : 0;
  end_.checksum = row ? newest.Int(1) : 0;
  ASSIGN_OR_RETURN(auto expected, GetMeta("witness"));

  ASSIGN_OR_RETURN(auto witness, LogWitness::Open(directory_->File("witness")));
  witness_ = std::move(witness);
  auto record = witness_->Read();
  if (absl::IsDataLoss(record.status())) return std::string(record.status().message());
  if (!record.ok()) return record.status();
  is_original_ = record->database == end_.database;
  if (record->log_id.empty()) {
    return expected == "1" ? absl::StrCat("'", directory_->File("witness"),
                                          "', which proves the end of the event log, is gone")
                           : "";  // an earlier version kept none
  }
  if (log_id.empty()) {
    return absl::StrCat("the database of the event log '", record->log_id, "' with ", record->last,
                        " events is gone");
  }
  if (record->log_id != log_id) {
    return absl::StrCat("'", path_,
                        "' is not the database that was written last, of the event log '",
                        record->log_id, "'");
  }
  return CompareEnd(*record);
}

absl::StatusOr<std::string> SqliteEventStore::CompareEnd(const LogWitness::Record& record) {
  if (record.last > end_.last) {
    return absl::StrCat("the last ", record.last - end_.last,
                        " events of the event log are missing in '", path_, "'");
  }
  ASSIGN_OR_RETURN(auto row, writer_.Prepare("SELECT checksum FROM event WHERE sequence = ?1"));
  row.BindInt(1, static_cast<int64_t>(record.last));
  ASSIGN_OR_RETURN(auto found, row.Step());
  if (record.last > 0 && (!found || row.Int(0) != record.checksum)) {
    return absl::StrCat("event ", record.last, " in '", path_, "' is not the one that was written");
  }
  if (record.database != end_.database) {
    return absl::StrCat("'", path_,
                        "' is a copy, and what the original was used for since is not in it");
  }
  return "";
}

// After the commit that it tells of: it never knows of an event that the database has not. What
// it cannot tell costs no more than another log_id at the next start.
void SqliteEventStore::WriteWitness() {
  const absl::Status written = witness_->Write(end_);
  if (!std::exchange(witness_failed_, !written.ok()) && !written.ok()) {
    Warn(absl::StrCat("the next server cannot prove the end of the event log: ",
                      std::string(written.message())));
  }
}

// Whether the files of this log are not there any more, or others in their place.
bool SqliteEventStore::IsGone() const {
  const auto database = FileIdentity::Of(path_);
  if (!database.ok()) return absl::IsNotFound(database.status());
  return *database != end_.database || absl::IsNotFound(FileIdentity::Of(path_ + "-wal").status());
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
    const char* table = kTables[i];
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
  // A checkpoint that would have to wait for a reader is put off: whoever appends waits for it.
  checkpointer_.SetPatience(absl::ZeroDuration());
  writer_.SetPatience(kPatience);
  // Each opens its files at its first use, which must not wait until there are no more
  // descriptors to be had.
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

absl::Status SqliteEventStore::SetMeta(std::string_view name, std::string_view value) {
  ASSIGN_OR_RETURN(auto statement, writer_.Prepare("INSERT OR REPLACE INTO meta VALUES (?1, ?2)"));
  statement.BindText(1, name);
  statement.BindText(2, value);
  return statement.Run();
}

absl::StatusOr<std::string> SqliteEventStore::GetMeta(std::string_view name) {
  ASSIGN_OR_RETURN(auto statement, writer_.Prepare("SELECT value FROM meta WHERE name = ?1"));
  statement.BindText(1, name);
  ASSIGN_OR_RETURN(auto row, statement.Step());
  return row ? statement.Text(0) : "";
}

absl::StatusOr<EventStore::Range> SqliteEventStore::FindRange() {
  absl::MutexLock lock(&reader_mutex_);
  ASSIGN_OR_RETURN(auto statement,
                   reader_.Prepare("SELECT min(sequence), max(sequence) FROM event"));
  RETURN_IF_ERROR(statement.Step().status());
  const auto last = static_cast<uint64_t>(statement.Int(1));
  return Range{last == 0 ? 1 : static_cast<uint64_t>(statement.Int(0)), last};
}

absl::Status SqliteEventStore::Write(const Batch& batch) {
  absl::Status status = WriteOnce(batch);
  if (absl::IsResourceExhausted(status) && directory_->ReleaseReserve()) {
    has_room_ = false;
    Warn(absl::StrCat("the disk of '", path_,
                      "' is full: the reserve is used up now, and new "
                      "processes are refused until there is room again"));
    status = WriteOnce(batch);
  }
  if (absl::IsUnavailable(status) != busy_) {
    busy_ = !busy_;
    writer_.SetPatience(busy_ ? absl::ZeroDuration() : kPatience);
  }
  return status;
}

absl::Status SqliteEventStore::WriteOnce(const Batch& batch) {
  absl::Status status = begin_.Run();
  if (!status.ok()) return status;
  status = WriteRows(batch);
  if (status.ok()) status = commit_.Run();
  if (!status.ok()) {
    (void)rollback_.Run();  // where SQLite has not done so itself
    return status;
  }
  if (!batch.events.empty()) WriteWitness();
  return status;
}

absl::Status SqliteEventStore::WriteRows(const Batch& batch) {
  for (const StoredEvent& event : batch.events) {
    insert_event_.BindInt(1, static_cast<int64_t>(event.sequence));
    insert_event_.BindInt(2, absl::ToUnixNanos(event.time));
    insert_event_.BindText(3, event.session_id);
    insert_event_.BindText(4, event.process_id);
    insert_event_.BindBlob(5, event.body);
    end_.checksum = ChecksumOf(event);
    end_.last = event.sequence;
    insert_event_.BindInt(6, end_.checksum);
    RETURN_IF_ERROR(insert_event_.Run());
  }
  for (const StateChange& change : batch.changes) {
    StateStatements& statements = states_[static_cast<size_t>(change.kind)];
    SqliteStatement& statement = change.removed ? statements.remove : statements.upsert;
    statement.BindInt(1, static_cast<int64_t>(change.ordinal));
    if (!change.removed) {
      statement.BindText(2, change.id);
      statement.BindBlob(3, change.body);
      statement.BindInt(4, ChecksumOf(change));
    }
    RETURN_IF_ERROR(statement.Run());
  }
  if (batch.first_kept == 0) return absl::OkStatus();
  trim_events_.BindInt(1, static_cast<int64_t>(batch.first_kept));
  return trim_events_.Run();
}

absl::StatusOr<std::vector<StoredEvent>> SqliteEventStore::Read(uint64_t sequence, size_t max) {
  absl::MutexLock lock(&reader_mutex_);
  read_events_.BindInt(1, static_cast<int64_t>(sequence));
  read_events_.BindInt(2, static_cast<int64_t>(max));
  std::vector<StoredEvent> events;
  auto row = read_events_.Step();
  for (; row.ok() && *row; row = read_events_.Step()) {
    events.push_back(ReadEvent(read_events_));
  }
  read_events_.Reset();
  if (!row.ok()) return row.status();
  return events;
}

absl::StatusOr<std::vector<StateChange>> SqliteEventStore::ReadState(StateKind kind) {
  absl::MutexLock lock(&reader_mutex_);
  ASSIGN_OR_RETURN(auto statement,
                   reader_.Prepare(absl::StrCat("SELECT ", kStateColumns, " FROM ", TableOf(kind),
                                                " ORDER BY ordinal")));
  std::vector<StateChange> states;
  auto row = statement.Step();
  for (; row.ok() && *row; row = statement.Step()) {
    states.push_back(ReadStateRow(kind, statement));
  }
  if (!row.ok()) return row.status();
  return states;
}

absl::StatusOr<uint64_t> SqliteEventStore::FirstSince(absl::Time time) {
  absl::MutexLock lock(&reader_mutex_);
  // From the oldest on: the walk is as long as what is about to be dropped.
  ASSIGN_OR_RETURN(auto statement,
                   reader_.Prepare("SELECT coalesce((SELECT sequence FROM event WHERE time_ns >= "
                                   "?1 ORDER BY sequence LIMIT 1), "
                                   "(SELECT coalesce(max(sequence), 0) + 1 FROM event))"));
  statement.BindInt(1, absl::ToUnixNanos(time));
  RETURN_IF_ERROR(statement.Step().status());
  return static_cast<uint64_t>(statement.Int(0));
}

absl::Status SqliteEventStore::CheckRoom() const {
  if (gone_) {
    return MakeError(absl::StatusCode::kDataLoss, Reason::kStorageLost,
                     absl::StrCat("'", path_,
                                  "' or its write-ahead log was removed or replaced "
                                  "while the server wrote to it: what is recorded now, no later "
                                  "server will find; restart this one"),
                     {{"state_dir", directory_->path()}});
  }
  if (has_room_) return absl::OkStatus();
  return MakeError(absl::StatusCode::kResourceExhausted, Reason::kStorageFull,
                   absl::StrCat("the disk of '", directory_->path(), "' is full"),
                   {{"state_dir", directory_->path()}});
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
