// How an event store is read: by a connection of its own, beside the writing.
#include "absl/strings/str_cat.h"
#include "core/base/return_if_error.h"
#include "core/storage/event_tables.h"
#include "core/storage/sqlite_event_store.h"

namespace proctor {

absl::StatusOr<EventStore::Range> SqliteEventStore::FindRange() {
  absl::MutexLock lock(&reader_mutex_);
  ASSIGN_OR_RETURN(auto statement,
                   reader_.Prepare("SELECT min(sequence), max(sequence) FROM event"));
  RETURN_IF_ERROR(statement.Step().status());
  const auto last = static_cast<uint64_t>(statement.Int(1));
  return Range{last == 0 ? 1 : static_cast<uint64_t>(statement.Int(0)), last};
}

absl::StatusOr<std::vector<StoredEvent>> SqliteEventStore::Read(uint64_t sequence, size_t max) {
  absl::MutexLock lock(&reader_mutex_);
  read_events_.BindInt(1, static_cast<int64_t>(sequence));
  read_events_.BindInt(2, static_cast<int64_t>(max));
  std::vector<StoredEvent> events;
  auto row = read_events_.Step();
  for (; row.ok() && *row; row = read_events_.Step()) {
    events.push_back(ReadEventRow(read_events_));
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

}  // namespace proctor
