#include "core/storage/sqlite.h"

#include <errno.h>
#include <sqlite3.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/return_if_error.h"
#include "proctor/error.h"

namespace proctor {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(10);

// SQLite tells ENOSPC as SQLITE_FULL, but a quota only by its errno.
bool IsFull(int code, int system_errno) {
  if ((code & 0xff) == SQLITE_FULL) return true;
  return (code & 0xff) == SQLITE_IOERR &&
         (system_errno == ENOSPC || system_errno == EDQUOT || system_errno == EFBIG);
}

absl::Status MakeStatus(sqlite3* connection, int code, std::string_view operation) {
  const int system_errno = connection != nullptr ? ::sqlite3_system_errno(connection) : 0;
  const char* words = connection != nullptr ? ::sqlite3_errmsg(connection) : ::sqlite3_errstr(code);
  const std::string message = absl::StrCat(std::string(operation), ": ", words);
  const ErrorMetadata metadata = {{"sqlite_code", absl::StrCat(code)}};
  if (IsFull(code, system_errno)) {
    return MakeError(absl::StatusCode::kResourceExhausted, Reason::kStorageFull, message, metadata);
  }
  if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB) {
    return MakeError(absl::StatusCode::kDataLoss, Reason::kStorageCorrupt, message, metadata);
  }
  if ((code & 0xff) == SQLITE_BUSY) {
    return MakeError(absl::StatusCode::kUnavailable, Reason::kStorageBusy, message, metadata);
  }
  return MakeError(absl::StatusCode::kInternal, Reason::kStorageFailed, message, metadata);
}

}  // namespace

SqliteStatement::SqliteStatement(SqliteStatement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)) {}

SqliteStatement& SqliteStatement::operator=(SqliteStatement&& other) noexcept {
  std::swap(statement_, other.statement_);
  return *this;
}

SqliteStatement::~SqliteStatement() { ::sqlite3_finalize(statement_); }

// A bind fails only for a parameter that the statement does not have.
void SqliteStatement::BindInt(int parameter, int64_t value) {
  (void)::sqlite3_bind_int64(statement_, parameter, value);
}

void SqliteStatement::BindText(int parameter, std::string_view value) {
  (void)::sqlite3_bind_text64(statement_, parameter, value.data(), value.size(), SQLITE_STATIC,
                              SQLITE_UTF8);
}

void SqliteStatement::BindBlob(int parameter, std::string_view value) {
  (void)::sqlite3_bind_blob64(statement_, parameter, value.data(), value.size(), SQLITE_STATIC);
}

absl::StatusOr<bool> SqliteStatement::Step() {
  const int code = ::sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  sqlite3* connection = ::sqlite3_db_handle(statement_);
  return MakeStatus(connection, ::sqlite3_extended_errcode(connection), ::sqlite3_sql(statement_));
}

absl::Status SqliteStatement::Run() {
  absl::StatusOr<bool> row = true;
  while (row.ok() && *row) row = Step();
  Reset();
  return row.status();
}

void SqliteStatement::Reset() { (void)::sqlite3_reset(statement_); }  // repeats Step's error

int64_t SqliteStatement::Int(int column) const {
  return ::sqlite3_column_int64(statement_, column);
}

std::string SqliteStatement::Text(int column) const {
  const auto* data = static_cast<const char*>(::sqlite3_column_blob(statement_, column));
  const int size = ::sqlite3_column_bytes(statement_, column);
  return data == nullptr ? "" : std::string(data, size);
}

SqliteConnection::SqliteConnection(SqliteConnection&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

SqliteConnection& SqliteConnection::operator=(SqliteConnection&& other) noexcept {
  std::swap(connection_, other.connection_);
  return *this;
}

SqliteConnection::~SqliteConnection() { ::sqlite3_close_v2(connection_); }

absl::StatusOr<SqliteConnection> SqliteConnection::Open(const std::string& path, bool create) {
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (create ? SQLITE_OPEN_CREATE : 0);
  const int code = ::sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  SqliteConnection connection(raw);  // there is one also after an error
  if (code != SQLITE_OK) return MakeStatus(raw, code, absl::StrCat("open ", path));
  connection.SetPatience(kPatience);
  return connection;
}

void SqliteConnection::SetPatience(absl::Duration patience) {
  (void)::sqlite3_busy_timeout(connection_, static_cast<int>(absl::ToInt64Milliseconds(patience)));
}

absl::StatusOr<SqliteStatement> SqliteConnection::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = ::sqlite3_prepare_v3(connection_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return MakeStatus(connection_, code, sql);
  return SqliteStatement(statement);
}

absl::Status SqliteConnection::Execute(const std::string& sql) {
  const int code = ::sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : MakeStatus(connection_, code, sql);
}

absl::StatusOr<std::string> SqliteConnection::QueryText(std::string_view sql) {
  ASSIGN_OR_RETURN(auto statement, Prepare(sql));
  ASSIGN_OR_RETURN(auto row, statement.Step());
  return row ? statement.Text(0) : "";
}

}  // namespace proctor
