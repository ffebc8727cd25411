#include "core/process/output_drain.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "core/spawn/newborn_guard.h"
#include "core/tree/pipe_holders.h"

namespace proctor {
namespace {

constexpr absl::Duration kHolderPatience = absl::Milliseconds(50);
constexpr absl::Duration kNewbornPatience = absl::Milliseconds(10);

}  // namespace

void OutputDrain::Begin() {
  begun_ = true;
  for (auto& pipe : pipes_) pipe->ReadLeftovers();
  log_->SetMark();
}

bool OutputDrain::AtEnd() const {
  return std::all_of(pipes_.begin(), pipes_.end(), [](const auto& pipe) { return pipe->eof(); });
}

void OutputDrain::SeekEnd() {
  if (AtEnd()) return Finish(DrainReason::kEof);
  if (!pipes_[0]->leftovers_read() || !pipes_[1]->leftovers_read()) return;
  if (timer_.pending()) return;
  // Most are over the sooner: the holders of the pipes are looked for only after a while.
  const absl::Duration over_at = loop_->Time() + grace_;
  timer_ = loop_->CallLater(std::min(grace_ / 2, kHolderPatience), [this, over_at] {
    SeekHolders();
    timer_ = loop_->CallAt(over_at, [this] { OnGraceOver(); });
  });
}

void OutputDrain::Shorten(absl::Duration most) {
  grace_ = std::min(grace_, most);
  if (!timer_.pending()) return;
  timer_.Cancel();
  Check();
}

// On a thread of its own: a look takes as long as the machine has processes.
void OutputDrain::SeekHolders() {
  if (std::exchange(holders_sought_, true)) return;
  const absl::Status sought = SeekPipeHolders(
      OtherEnds({pipes_[0]->fd(), pipes_[1]->fd()}),
      [this, loop = loop_->shared_from_this(), weak = owner_](std::vector<PipeHolder> holders) {
        // If the loop is closed, no caller asks any more.
        (void)loop->CallSoonThreadsafe([this, weak, holders = std::move(holders)]() mutable {
          if (const auto owner = weak.lock()) OnHolders(std::move(holders));
        });
      });
  if (!sought.ok()) loop_->ReportError({"look for who holds a pipe", sought});
}

void OutputDrain::OnHolders(std::vector<PipeHolder> holders) {
  holders_ = std::move(holders);
  if (!result_.has_value() || result_->reason != DrainReason::kGraceExpired) return;
  result_->holders = holders_;
  told_.holders_found();
}

// A loop that was held up may find the timer due before it has looked at the pipes.
void OutputDrain::OnGraceOver() {
  // A sibling that is being spawned holds the same pipes, but writes no output. Asked before the
  // look at the pipes: a sibling that closes them after the look still counts.
  const bool held = NewbornGuard::Get().value()->AnyWithPipesBefore(newborn_mark_);
  for (auto& pipe : pipes_) pipe->ReadLeftovers();
  if (!AtEnd() && held) {
    timer_ = loop_->CallLater(kNewbornPatience, [this] { OnGraceOver(); });
    return;
  }
  Finish(AtEnd() ? DrainReason::kEof : DrainReason::kGraceExpired);
}

void OutputDrain::Finish(DrainReason reason) {
  const auto owner = owner_.lock();  // a callback may let go of it
  timer_.Cancel();
  OutputDrained result;
  result.reason = reason;
  if (reason == DrainReason::kGraceExpired) {
    result.holders = holders_;
    for (auto& pipe : pipes_) pipe->Discard();
  }
  log_->Settle();
  result.output = log_->Totals();
  result.time = absl::Now();
  result_ = std::move(result);
  told_.over();
}

std::string OutputDrain::DebugString() const {
  if (!begun_ || result_.has_value()) return "";
  if (!timer_.pending()) return "waits for what is left in the pipes";
  return absl::StrCat("waits for the end of the pipes, at most ", absl::FormatDuration(grace_),
                      holders_.empty() ? "" : "; held by ",
                      absl::StrJoin(holders_, " ", [](std::string* out, const PipeHolder& holder) {
                        absl::StrAppend(out, holder.pid);
                      }));
}

}  // namespace proctor
