#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/event/event_store.h"
#include "core/storage/sqlite.h"

namespace proctor {

// The tables of an event store: how they are made and checked, and how a row of them is read.
//
// Thread-safety: as the connection's.

// Makes the tables of a fresh database, and those that one of an earlier format lacks.
// Errors: FailedPrecondition (STATE_DIR_UNUSABLE) for a later format; those of the connection.
absl::Status MakeTables(SqliteConnection& database, const std::string& path);

// Checks that all is there and as it was written.
// Errors: DataLoss (STORAGE_CORRUPT); those of the connection.
absl::Status CheckTables(SqliteConnection& database);

// DataLoss (STORAGE_CORRUPT), which says what is damaged.
absl::Status DamagedTables(std::string_view what);

const char* TableOf(StateKind kind);

// The columns of a row, in this order in all statements.
inline constexpr char kEventColumns[] = "sequence, time_ns, session_id, process_id, body, checksum";
inline constexpr char kStateColumns[] = "ordinal, id, body, checksum";

// The row that the statement found.
StoredEvent ReadEventRow(const SqliteStatement& row);
StateChange ReadStateRow(StateKind kind, const SqliteStatement& row);

// A value about the database as a whole; "" if there is none.
absl::Status SetMeta(SqliteConnection& database, std::string_view name, std::string_view value);
absl::StatusOr<std::string> GetMeta(SqliteConnection& database, std::string_view name);

}  // namespace proctor
