#include "core/storage/event_tables.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "core/base/return_if_error.h"
#include "core/storage/row_checksum.h"
#include "proctor/error.h"

namespace proctor {
namespace {

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

absl::Status CheckRows(SqliteConnection& database) {
  ASSIGN_OR_RETURN(auto events,
                   database.Prepare(absl::StrCat("SELECT ", kEventColumns, " FROM event")));
  auto row = events.Step();
  for (; row.ok() && *row; row = events.Step()) {
    const StoredEvent event = ReadEventRow(events);
    if (ChecksumOf(event) == events.Int(5)) continue;
    return DamagedTables(absl::StrCat("event ", event.sequence, " is not as it was written"));
  }
  if (!row.ok()) return row.status();
  for (size_t i = 0; i < kStateKinds; ++i) {
    const StateKind kind = static_cast<StateKind>(i);
    ASSIGN_OR_RETURN(auto states, database.Prepare(absl::StrCat("SELECT ", kStateColumns, " FROM ",
                                                                TableOf(kind))));
    for (row = states.Step(); row.ok() && *row; row = states.Step()) {
      const StateChange state = ReadStateRow(kind, states);
      if (ChecksumOf(state) == states.Int(3)) continue;
      return DamagedTables(
          absl::StrCat(TableOf(kind), " ", state.ordinal, " is not as it was written"));
    }
    if (!row.ok()) return row.status();
  }
  return absl::OkStatus();
}

}  // namespace

const char* TableOf(StateKind kind) { return kTables[static_cast<size_t>(kind)]; }

absl::Status DamagedTables(std::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, Reason::kStorageCorrupt, what);
}

StoredEvent ReadEventRow(const SqliteStatement& row) {
  return {static_cast<uint64_t>(row.Int(0)), absl::FromUnixNanos(row.Int(1)), row.Text(2),
          row.Text(3), row.Text(4)};
}

StateChange ReadStateRow(StateKind kind, const SqliteStatement& row) {
  return {kind, static_cast<uint64_t>(row.Int(0)), row.Text(1), row.Text(2)};
}

// A fresh file gets its tables, and one of an earlier format those that it lacks.
absl::Status MakeTables(SqliteConnection& database, const std::string& path) {
  auto version = database.QueryText("PRAGMA user_version");
  if (!version.ok()) return version.status();
  ASSIGN_OR_RETURN(auto tables, database.QueryText("SELECT count(*) FROM sqlite_schema"));
  if (*version == "0" && tables == "0") {
    absl::Status made = database.Execute(kFirstSchema);
    return made.ok() ? database.Execute(kSecondSchema) : made;
  }
  if (*version == "1") return database.Execute(kSecondSchema);
  if (*version != absl::StrCat(kSchemaVersion)) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, Reason::kStateDirUnusable,
        absl::StrCat("the event log '", path, "' is of format ", *version,
                     ", and this server knows format ", kSchemaVersion,
                     ": run the version that wrote it, or name another state directory"));
  }
  return absl::OkStatus();
}

absl::Status CheckTables(SqliteConnection& database) {
  ASSIGN_OR_RETURN(auto whole, database.QueryText("PRAGMA quick_check(1)"));
  if (whole != "ok") return DamagedTables(whole);
  // Not moved out of its StatusOr: g++ 12 with -O1 takes what is moved for uninitialised.
  const auto holes = database.QueryText(
      "SELECT coalesce(max(sequence) - min(sequence) + 1, 0) - count(*) FROM event");
  RETURN_IF_ERROR(holes.status());
  if (*holes != "0") {
    return DamagedTables(absl::StrCat(*holes, " events are missing among the others"));
  }
  return CheckRows(database);
}

absl::Status SetMeta(SqliteConnection& database, std::string_view name, std::string_view value) {
  ASSIGN_OR_RETURN(auto statement, database.Prepare("INSERT OR REPLACE INTO meta VALUES (?1, ?2)"));
  statement.BindText(1, name);
  statement.BindText(2, value);
  return statement.Run();
}

absl::StatusOr<std::string> GetMeta(SqliteConnection& database, std::string_view name) {
  ASSIGN_OR_RETURN(auto statement, database.Prepare("SELECT value FROM meta WHERE name = ?1"));
  statement.BindText(1, name);
  ASSIGN_OR_RETURN(auto row, statement.Step());
  return row ? statement.Text(0) : "";
}

}  // namespace proctor
