#include "core/ledger/process_table.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/ledger/quota_error.h"
#include "proctor/error.h"

namespace proctor {

absl::Status ProcessTable::BeginStart(const std::string& name, const std::string& process_id) {
  absl::MutexLock lock(&mutex_);
  const uint64_t used = total_.running + starting_;
  if (max_running_ != 0 && used >= max_running_) {
    return QuotaError("start a process", "server_processes", max_running_, used);
  }
  if (!name.empty()) {
    Named& named = names_[name];
    if (std::string holder = HolderLocked(named); !holder.empty()) {
      return MakeError(absl::StatusCode::kAlreadyExists, Reason::kNameInUse,
                       absl::StrCat("start a process: the name '", name, "' is that of process '",
                                    holder, "', which runs"),
                       {{"name", name}, {"process_id", holder}, {"field", "name"}});
    }
    named.starting = process_id;
  }
  ++starting_;
  return absl::OkStatus();
}

void ProcessTable::CancelStart(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  --starting_;
  auto named = names_.find(name);
  if (named == names_.end()) return;
  named->second.starting.clear();
  if (named->second.ordinals.empty()) names_.erase(named);
}

// The id of the process that has the name now; empty if the name is free.
std::string ProcessTable::HolderLocked(const Named& named) const {
  if (!named.starting.empty()) return named.starting;
  if (named.ordinals.empty()) return "";
  const ProcessInfo& newest = *by_ordinal_.at(*named.ordinals.rbegin()).info;
  return newest.state == ProcessState::kRunning ? newest.id : "";
}

void ProcessTable::Publish(ProcessInfo info) {
  auto published = std::make_shared<const ProcessInfo>(std::move(info));
  const uint64_t ordinal = published->ordinal;
  std::shared_ptr<const ProcessInfo> before;  // destroyed after the lock
  absl::MutexLock lock(&mutex_);
  const bool is_new = ordinals_.try_emplace(published->id, ordinal).second;
  if (is_new && starting_ > 0) --starting_;
  Listed& listed = by_ordinal_[ordinal];
  before = std::exchange(listed.info, published);
  // Most of what is published of a process tells of the same command.
  if (before == nullptr || before->command != published->command) {
    const uint64_t memory = sizeof(ProcessInfo) + MemoryOf(*published->command);
    CountMemory(std::exchange(listed.memory, memory), memory);
  }
  if (const std::string& name = published->command->name; is_new && !name.empty()) {
    Named& named = names_[name];
    named.ordinals.insert(ordinal);
    if (named.starting == published->id) named.starting.clear();
  }

  Counts& counts = counts_[published->session_id];
  const bool ran = before != nullptr && before->state == ProcessState::kRunning;
  const bool runs = published->state == ProcessState::kRunning;
  if (is_new && runs) ++counts.running, ++total_.running;
  if (ran && !runs) --counts.running, --total_.running;
  if (!runs && (is_new || ran)) ++counts.ended, ++total_.ended;

  const bool drained_now = published->state == ProcessState::kDrained &&
                           (before == nullptr || before->state != ProcessState::kDrained);
  if (!drained_now || claimed_.contains(published->id)) return;
  drained_.emplace(++last_turn_, ordinal);
  turns_.emplace(ordinal, last_turn_);
}

void ProcessTable::CountMemory(uint64_t before, uint64_t now) {
  if (memory_ == nullptr || before == now) return;
  now > before ? memory_->Add(now - before) : memory_->GiveBack(before - now);
}

bool ProcessTable::SetTreeEmpty(std::string_view process_id) {
  std::shared_ptr<const ProcessInfo> before;  // destroyed after the lock
  absl::MutexLock lock(&mutex_);
  auto found = ordinals_.find(absl::string_view(process_id.data(), process_id.size()));
  if (found == ordinals_.end() || claimed_.contains(found->first)) return false;
  Listed& listed = by_ordinal_.at(found->second);
  auto now = std::make_shared<ProcessInfo>(*listed.info);
  now->tree_empty = true;
  before = std::exchange(listed.info, std::move(now));
  return true;
}

std::shared_ptr<const ProcessInfo> ProcessTable::TakeSurplus() {
  absl::MutexLock lock(&mutex_);
  if (drained_.size() <= max_ended_) return nullptr;
  const uint64_t ordinal = drained_.begin()->second;
  ForgetTurnLocked(ordinal);
  return by_ordinal_.at(ordinal).info;
}

bool ProcessTable::ClaimRemoval(std::string_view process_id) {
  absl::MutexLock lock(&mutex_);
  auto found = ordinals_.find(absl::string_view(process_id.data(), process_id.size()));
  if (found == ordinals_.end() || !claimed_.insert(found->first).second) return false;
  ForgetTurnLocked(found->second);
  return true;
}

void ProcessTable::ForgetTurnLocked(uint64_t ordinal) {
  auto turn = turns_.find(ordinal);
  if (turn == turns_.end()) return;
  drained_.erase(turn->second);
  turns_.erase(turn);
}

void ProcessTable::Remove(std::string_view process_id) {
  std::shared_ptr<const ProcessInfo> before;  // destroyed after the lock
  absl::MutexLock lock(&mutex_);
  auto found = ordinals_.find(absl::string_view(process_id.data(), process_id.size()));
  if (found == ordinals_.end()) return;
  const uint64_t ordinal = found->second;
  claimed_.erase(found->first);
  ordinals_.erase(found);
  auto listed = by_ordinal_.find(ordinal);
  before = std::move(listed->second.info);
  CountMemory(listed->second.memory, 0);
  by_ordinal_.erase(listed);
  ForgetTurnLocked(ordinal);
  if (auto named = names_.find(before->command->name); named != names_.end()) {
    named->second.ordinals.erase(ordinal);
    if (named->second.ordinals.empty() && named->second.starting.empty()) names_.erase(named);
  }
  Counts& counts = counts_[before->session_id];
  if (before->state == ProcessState::kRunning) {
    --counts.running, --total_.running;
  } else {
    --counts.ended, --total_.ended;
  }
  if (counts.running == 0 && counts.ended == 0) counts_.erase(before->session_id);
}

const ProcessTable::Listed* ProcessTable::FindLocked(std::string_view id_or_name) const {
  const absl::string_view key(id_or_name.data(), id_or_name.size());
  if (auto found = ordinals_.find(key); found != ordinals_.end()) {
    return claimed_.contains(key) ? nullptr : &by_ordinal_.at(found->second);
  }
  auto named = names_.find(key);
  if (named == names_.end()) return nullptr;
  const std::set<uint64_t>& ordinals = named->second.ordinals;
  for (auto ordinal = ordinals.rbegin(); ordinal != ordinals.rend(); ++ordinal) {
    const Listed& listed = by_ordinal_.at(*ordinal);
    if (!claimed_.contains(listed.info->id)) return &listed;
  }
  return nullptr;
}

absl::StatusOr<std::shared_ptr<const ProcessInfo>> ProcessTable::Find(
    std::string_view id_or_name) const {
  absl::MutexLock lock(&mutex_);
  if (const Listed* found = FindLocked(id_or_name)) return found->info;
  return MakeError(absl::StatusCode::kNotFound, Reason::kProcessNotFound,
                   absl::StrCat("no process '", std::string(id_or_name), "'"),
                   {{"process_id", std::string(id_or_name)}});
}

std::string ProcessTable::IdOf(std::string_view id_or_name) const {
  absl::MutexLock lock(&mutex_);
  const Listed* found = FindLocked(id_or_name);
  return found != nullptr ? found->info->id : std::string(id_or_name);
}

std::vector<ProcessTable::Entry> ProcessTable::List(
    uint64_t after_ordinal, size_t max,
    const std::function<bool(const ProcessInfo&)>& wanted) const {
  std::vector<Entry> entries;
  absl::MutexLock lock(&mutex_);
  for (auto place = by_ordinal_.upper_bound(after_ordinal);
       place != by_ordinal_.end() && entries.size() < max; ++place) {
    if (wanted(*place->second.info)) entries.push_back({place->first, place->second.info});
  }
  return entries;
}

ProcessTable::Counts ProcessTable::CountOf(std::string_view session_id) const {
  absl::MutexLock lock(&mutex_);
  auto found = counts_.find(absl::string_view(session_id.data(), session_id.size()));
  return found == counts_.end() ? Counts{} : found->second;
}

ProcessTable::Counts ProcessTable::CountAll() const {
  absl::MutexLock lock(&mutex_);
  return total_;
}

std::string ProcessTable::DebugString() const {
  absl::MutexLock lock(&mutex_);
  return absl::StrCat("process table: ", total_.running, " running, ", starting_, " starting, ",
                      total_.ended, " ended of ", max_ended_, "; names: ", names_.size(),
                      "; being removed: ", claimed_.size());
}

}  // namespace proctor
