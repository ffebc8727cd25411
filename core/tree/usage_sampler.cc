#include "core/tree/usage_sampler.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/return_if_error.h"
#include "core/self/background_thread.h"

namespace proctor {
namespace {

BackgroundThread& Thread() {
  static BackgroundThread& thread = *new BackgroundThread;
  return thread;
}

}  // namespace

// What was found. On the thread alone.
class UsageSampler::Looks {
 public:
  Looks(std::shared_ptr<ProcessTrees> trees, Clocks clocks)
      : trees_(std::move(trees)), clocks_(std::move(clocks)) {}

  absl::StatusOr<Usages> Find(const std::vector<Subject>& subjects) {
    const absl::Duration begin = clocks_.now();
    const absl::Duration cost = clocks_.cost();
    std::vector<const Subject*> walked;
    Usages usages;
    int looks = 0;
    for (const Subject& subject : subjects) {
      const auto known = groups_.find(subject.id);
      if (known != groups_.end() && begin - known->second.clock < group_period_) {
        usages[subject.id] = known->second;
        continue;
      }
      const auto group = trees_->GroupOf(subject.id);
      ++looks;
      auto usage = group.has_value() ? ReadGroupUsage(*group) : std::nullopt;
      if (usage.has_value()) {
        usage->clock = clocks_.now();
        usages[subject.id] = groups_[subject.id] = *usage;
      } else {
        walked.push_back(&subject);
      }
    }
    // All that are asked for again and again, not only those of this page.
    if (looks > 0) {
      const absl::Duration each = (clocks_.cost() - cost) / looks;
      group_period_ = PeriodFor(each * static_cast<int64_t>(groups_.size()));
    }
    Forget(begin);
    if (walked.empty()) return usages;
    if (absl::Status read = ReadTable(); !read.ok()) {
      if (usages.empty()) return read;
      return usages;  // what the groups say holds without it
    }
    for (const Subject* subject : walked) {
      auto usage = SumTreeUsage(*table_, subject->pid);
      if (usage.has_value()) usage->clock = table_clock_;
      if (!usage.has_value()) usage = LookAtNewborn(subject->pid);
      if (usage.has_value()) usages[subject->id] = *usage;
    }
    return usages;
  }

 private:
  static absl::Duration PeriodFor(absl::Duration cost) { return std::max(kPeriod, cost * kShare); }

  absl::Status ReadTable() {
    const absl::Duration begin = clocks_.now();
    const absl::Duration cost = clocks_.cost();
    if (table_.has_value() && begin - table_clock_ < table_period_) return absl::OkStatus();
    ASSIGN_OR_RETURN(auto table, ProcTable::Read(ProcTable::kNoLocks));
    table_ = std::move(table);
    table_clock_ = begin;
    table_period_ = PeriodFor(clocks_.cost() - cost);
    return absl::OkStatus();
  }

  // One that was started after the table was read.
  std::optional<ProcessUsage> LookAtNewborn(pid_t pid) const {
    const auto entry = ReadProcEntry(pid, /*with_locks=*/false);
    if (!entry.ok()) return std::nullopt;
    auto usage = SumTreeUsage(ProcTable({*entry}), pid);
    if (usage.has_value()) usage->clock = clocks_.now();
    return usage;
  }

  // Drops the results of processes that were not asked for, or that have ended.
  void Forget(absl::Duration now) {
    absl::erase_if(groups_, [this, now](const auto& known) {
      return now - known.second.clock > 2 * group_period_ + kPeriod;
    });
  }

  const std::shared_ptr<ProcessTrees> trees_;
  const Clocks clocks_;
  Usages groups_;
  absl::Duration group_period_ = kPeriod;
  std::optional<ProcTable> table_;
  absl::Duration table_clock_;
  absl::Duration table_period_ = kPeriod;
};

UsageSampler::UsageSampler(std::shared_ptr<ProcessTrees> trees, Clocks clocks)
    : looks_(std::make_shared<Looks>(std::move(trees), std::move(clocks))) {}

UsageSampler::~UsageSampler() = default;

absl::Status UsageSampler::Look(std::vector<Subject> subjects,
                                std::function<void(absl::StatusOr<Usages>)> done) {
  return Thread().Post([looks = looks_, subjects = std::move(subjects), done = std::move(done)] {
    done(looks->Find(subjects));
  });
}

}  // namespace proctor
