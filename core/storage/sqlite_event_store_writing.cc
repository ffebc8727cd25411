// How an event store is written: one transaction for a batch, then the witness.
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/return_if_error.h"
#include "core/base/warning.h"
#include "core/storage/row_checksum.h"
#include "core/storage/sqlite_event_store.h"
#include "proctor/error.h"

namespace proctor {

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
    writer_.SetPatience(busy_ ? absl::ZeroDuration() : kWriterPatience);
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

// After the commit that it tells of: it never knows of an event that the database has not. What
// it cannot tell costs no more than another log_id at the next start.
void SqliteEventStore::WriteWitness() {
  const absl::Status written = witness_->Write(end_);
  if (!std::exchange(witness_failed_, !written.ok()) && !written.ok()) {
    Warn(absl::StrCat("the next server cannot prove the end of the event log: ",
                      std::string(written.message())));
  }
}

}  // namespace proctor
