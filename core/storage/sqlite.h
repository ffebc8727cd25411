#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

struct sqlite3;
struct sqlite3_stmt;

namespace proctor {

// The needed part of SQLite's C interface (https://sqlite.org/cintro.html), with owners and
// absl::Status. An error's code says what to do about it: ResourceExhausted (STORAGE_FULL): no
// room; DataLoss (STORAGE_CORRUPT): the file is damaged or none of SQLite's; Unavailable
// (STORAGE_BUSY): another connection holds it locked; Internal (STORAGE_FAILED): all else.

// A prepared statement. Bind, then Step until it says that there is no more row, then Reset.
//
// Thread-safety: as its connection. Lifetime: ends before its connection.
class SqliteStatement {
 public:
  SqliteStatement() = default;
  SqliteStatement(SqliteStatement&& other) noexcept;
  SqliteStatement& operator=(SqliteStatement&& other) noexcept;
  ~SqliteStatement();

  // Parameters count from 1. Texts and blobs must live until Reset.
  void BindInt(int parameter, int64_t value);
  void BindText(int parameter, std::string_view value);
  void BindBlob(int parameter, std::string_view value);

  // Whether there is a row.
  absl::StatusOr<bool> Step();
  // Runs a statement that has no rows to its end, and resets it.
  absl::Status Run();
  void Reset();

  // Columns count from 0; of the row that Step found, until the next Step or Reset.
  int64_t Int(int column) const;
  std::string Text(int column) const;  // also of blobs

 private:
  friend class SqliteConnection;
  explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}

  sqlite3_stmt* statement_ = nullptr;
};

// A connection to a database file.
//
// Thread-safety: none; one thread at a time. Lifetime: owns the connection.
class SqliteConnection {
 public:
  SqliteConnection() = default;
  SqliteConnection(SqliteConnection&& other) noexcept;
  SqliteConnection& operator=(SqliteConnection&& other) noexcept;
  ~SqliteConnection();

  // Opens a file, and makes it where `create` says so and there is none.
  static absl::StatusOr<SqliteConnection> Open(const std::string& path, bool create);

  // Sets how long a statement waits for another connection, for example the sqlite3 shell. 10 s
  // until this is called.
  void SetPatience(absl::Duration patience);

  absl::StatusOr<SqliteStatement> Prepare(std::string_view sql);
  // Runs statements and drops their rows.
  absl::Status Execute(const std::string& sql);
  // The first column of the first row; "" where there is no row.
  absl::StatusOr<std::string> QueryText(std::string_view sql);

 private:
  explicit SqliteConnection(sqlite3* connection) : connection_(connection) {}

  sqlite3* connection_ = nullptr;
};

}  // namespace proctor
