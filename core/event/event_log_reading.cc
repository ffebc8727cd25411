// How an event log is read: from memory what is new, from its store what is older.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/return_if_error.h"
#include "core/event/event_log.h"
#include "proctor/error.h"

namespace proctor {

EventLog::Range EventLog::range() const {
  absl::MutexLock lock(&mutex_);
  return {first_, last_};
}

absl::Status EventLog::CheckSequenceLocked(uint64_t sequence) const {
  if (sequence <= last_ && sequence + 1 >= first_) return absl::OkStatus();
  const ErrorMetadata metadata = {{"log_id", log_id_},
                                  {"sequence", absl::StrCat(sequence)},
                                  {"first", absl::StrCat(first_)},
                                  {"last", absl::StrCat(last_)}};
  if (sequence > last_) {
    return MakeError(absl::StatusCode::kInvalidArgument, Reason::kPositionInFuture,
                     absl::StrCat("resume after event ", sequence, ": the last one is ", last_),
                     metadata);
  }
  return MakeError(
      absl::StatusCode::kOutOfRange, Reason::kEventsExpired,
      absl::StrCat("resume after event ", sequence, ": the first one kept is ", first_), metadata);
}

absl::Status EventLog::CheckPosition(std::string_view log_id, uint64_t sequence) const {
  if (log_id != log_id_) {
    return MakeError(absl::StatusCode::kAborted, Reason::kLogChanged,
                     absl::StrCat("resume in event log '", std::string(log_id),
                                  "': this server's log is '", log_id_, "'"),
                     {{"log_id", log_id_}});
  }
  absl::MutexLock lock(&mutex_);
  return CheckSequenceLocked(sequence);
}

absl::StatusOr<std::vector<EventLog::EventPtr>> EventLog::ReadAfter(uint64_t sequence,
                                                                    size_t max) const {
  {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(CheckSequenceLocked(sequence));
    // No further than what is shown: the store may have more already.
    max = std::min<uint64_t>(max, last_ - sequence);
    if (max == 0) return std::vector<EventPtr>();
    if (!newest_.empty() && newest_.front()->sequence <= sequence + 1) {
      const auto begin = newest_.begin() + (sequence + 1 - newest_.front()->sequence);
      return std::vector<EventPtr>(begin, begin + max);
    }
  }
  return ReadStored(sequence, max);
}

// A missing first event was dropped since the last look: once that is shown, the reader gets the
// error that it is late. A hole is never passed over.
absl::StatusOr<std::vector<StoredEvent>> EventLog::ReadRows(uint64_t sequence, size_t max) const {
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto stored = store_->Read(sequence, max);
    if (!stored.ok()) return stored;
    if (!stored->empty() && stored->front().sequence == sequence + 1) return stored;
    absl::MutexLock lock(&mutex_);
    AwaitIdle();
    RETURN_IF_ERROR(CheckSequenceLocked(sequence));
  }
  return MakeError(absl::StatusCode::kDataLoss, Reason::kStorageCorrupt,
                   absl::StrCat("event ", sequence + 1, " is missing in the event log"));
}

absl::StatusOr<std::vector<EventLog::EventPtr>> EventLog::ReadStored(uint64_t sequence,
                                                                     size_t max) const {
  ASSIGN_OR_RETURN(auto stored, ReadRows(sequence, max));
  std::vector<EventPtr> events;
  events.reserve(stored.size());
  for (StoredEvent& entry : stored) {
    ASSIGN_OR_RETURN(auto event, codec_.decode(entry.body));
    event.sequence = entry.sequence;
    event.time = entry.time;
    event.session_id = std::move(entry.session_id);
    event.process_id = std::move(entry.process_id);
    events.push_back(std::make_shared<const Event>(std::move(event)));
  }
  return events;
}

}  // namespace proctor
