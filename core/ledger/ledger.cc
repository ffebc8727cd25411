#include "core/ledger/ledger.h"

#include <new>
#include <utility>

#include "proctor/error.h"

namespace proctor {

Ledger::Ledger(const Options& options, EventLog* events)
    : events_(events),
      codec_(options.codec),
      outputs_(options.outputs),
      meter_(options.meter),
      memory_(std::make_shared<MemoryBudget>(options.max_memory)),
      processes_(options.max_ended_processes, options.max_processes, memory_.get()),
      requests_(events, codec_.get()) {}

StateChange Ledger::RowOf(const ProcessInfo& info) const {
  return {StateKind::kProcess, info.ordinal, info.id, codec_->Encode(info)};
}

StateChange Ledger::RowOf(const SessionInfo& info) const {
  return {StateKind::kSession, info.ordinal, info.id, codec_->Encode(info)};
}

uint64_t Ledger::Record(Event event) { return events_->Append(std::move(event)); }

uint64_t Ledger::Record(Event event, ProcessInfo state) {
  EventLog::Entry entry{std::move(event)};
  if (events_->stored()) entry.changes.push_back(RowOf(state));
  entry.publish = [this, state = std::move(state)](uint64_t sequence) mutable {
    if (state.ordinal == 0) state.ordinal = sequence;  // this is its start
    processes_.Publish(std::move(state));
  };
  return events_->Append(std::move(entry));
}

uint64_t Ledger::Record(Event event, const SessionInfo& state, std::vector<StateChange> more,
                        std::function<void(uint64_t)> published) {
  EventLog::Entry entry{std::move(event)};
  if (events_->stored()) {
    entry.changes = std::move(more);
    entry.changes.push_back(RowOf(state));
  }
  entry.publish = std::move(published);
  return events_->Append(std::move(entry));
}

void Ledger::Change(const ProcessInfo& state) {
  if (events_->stored()) events_->Change(RowOf(state));
  processes_.Publish(state);
}

bool Ledger::Forget(Event removal, uint64_t ordinal) {
  const std::string id = removal.process_id;
  if (outputs_ != nullptr) outputs_->Remove(id);
  if (!processes_.ClaimRemoval(id)) return false;
  EventLog::Entry entry{std::move(removal)};
  entry.changes = requests_.Forget(id);
  entry.changes.push_back({StateKind::kProcess, ordinal, id, "", /*removed=*/true});
  entry.publish = [this, id](uint64_t) { processes_.Remove(id); };
  events_->Append(std::move(entry));
  return true;
}

bool Ledger::Forget(const ProcessInfo& info, RemovalReason reason) {
  return Forget({.session_id = info.session_id,
                 .process_id = info.id,
                 .labels = info.command->labels,
                 .detail = ProcessRemoved{reason}},
                info.ordinal);
}

// Without memory for a copy, only that is lost.
void Ledger::KeepOutput(const std::string& process_id, const OutputLog& output) {
  if (outputs_ == nullptr) return;
  if (output.retained_bytes() == 0) return outputs_->Remove(process_id);
  try {
    // Nothing where there was no memory to settle in.
    if (auto kept = output.Snapshot()) return outputs_->Keep(process_id, std::move(kept));
  } catch (const std::bad_alloc&) {  // what was copied is free again: there is some to tell of it
  }
  outputs_->GiveUp(process_id, MakeError(absl::StatusCode::kResourceExhausted,
                                         Reason::kOutputMemory, "there is no memory for a copy"));
}

}  // namespace proctor
