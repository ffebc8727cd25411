#include "server/event/event_journal.h"

#include <spdlog/spdlog.h>

#include <array>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/signal_name.h"
#include "core/command/excerpt.h"
#include "server/wire/word.h"

namespace proctor::server {
namespace {

constexpr size_t kJournalBatch = 256;

// Of the lines of one kind.
constexpr int kBurst = 100;
constexpr absl::Duration kPause = absl::Milliseconds(100);

using Level = spdlog::level::level_enum;

struct LevelOf {
  Level operator()(const SessionOpened&) const { return Level::info; }
  Level operator()(const SessionClosed&) const { return Level::info; }
  Level operator()(const ProcessStarted&) const { return Level::info; }
  Level operator()(const ProcessExited& detail) const {
    return detail.status.wait.lost() ? Level::warn : Level::info;
  }
  Level operator()(const OutputDrained&) const { return Level::debug; }
  Level operator()(const ProcessSignalled&) const { return Level::debug; }
  Level operator()(const ProcessOom&) const { return Level::warn; }
  Level operator()(const ProcessUpdated&) const { return Level::debug; }
  Level operator()(const ProcessRemoved&) const { return Level::debug; }
  Level operator()(const WatcherChanged&) const { return Level::info; }
  Level operator()(const ServerDraining&) const { return Level::info; }
};

// Of the lines of a kind, by its place in EventDetail.
constexpr std::array<const char*, std::variant_size_v<EventDetail>> kKinds = {
    "session opened",  "session closed",    "process started",       "process exited",
    "output drained",  "process signalled", "process out of memory", "process updated",
    "process removed", "watcher changed",   "server draining"};

// One line of an event: what happened, then its variables.
struct Describe {
  const Event& event;

  std::string operator()(const SessionOpened& detail) const {
    return absl::StrCat("session opened session=", event.session_id, " policy=", detail.policy,
                        " watcher=", detail.watcher, " loop=", detail.loop, Lease(detail));
  }
  std::string operator()(const SessionClosed& detail) const {
    return absl::StrCat("session closed session=", event.session_id,
                        " reason=", wire::WordOf(detail.reason));
  }
  std::string operator()(const ProcessStarted& detail) const {
    return absl::StrCat("process started process=", event.process_id, " session=", event.session_id,
                        " pid=", detail.pid, detail.name.empty() ? "" : " name=", detail.name,
                        " command=\"", Excerpt(absl::StrJoin(detail.argv, " ")), "\"");
  }
  std::string operator()(const ProcessExited& detail) const {
    const ExitStatus& status = detail.status;
    const std::string ids = absl::StrCat(event.process_id, " session=", event.session_id,
                                         " status=\"", DebugString(status.wait), "\"");
    if (status.wait.lost()) return absl::StrCat("process lost process=", ids);
    return absl::StrCat("process exited process=", ids, " returncode=", status.wait.returncode(),
                        " cause=", wire::WordOf(status.cause),
                        status.requested_by.empty()
                            ? ""
                            : absl::StrCat(" by=\"", Excerpt(status.requested_by), "\""),
                        " duration=", absl::FormatDuration(status.duration));
  }
  std::string operator()(const OutputDrained& detail) const {
    return absl::StrCat("output drained process=", event.process_id,
                        " reason=", wire::WordOf(detail.reason));
  }
  std::string operator()(const ProcessSignalled& detail) const {
    return absl::StrCat(
        "process signalled process=", event.process_id, " signal=", SignalName(detail.signal),
        " scope=", wire::WordOf(detail.scope), " by=\"", Excerpt(detail.requested_by), "\"");
  }
  std::string operator()(const ProcessOom& detail) const {
    return absl::StrCat("process out of memory process=", event.process_id,
                        " killed=", detail.killed);
  }
  std::string operator()(const ProcessUpdated& detail) const {
    return absl::StrCat("process updated process=", event.process_id,
                        " retain_bytes=", detail.retain_bytes,
                        " overflow=", wire::WordOf(detail.overflow));
  }
  std::string operator()(const ProcessRemoved& detail) const {
    return absl::StrCat("process removed process=", event.process_id,
                        " reason=", wire::WordOf(detail.reason));
  }
  std::string operator()(const WatcherChanged& detail) const {
    return absl::StrCat("watcher changed session=", event.session_id, " from=", detail.from,
                        " to=", detail.to);
  }
  std::string operator()(const ServerDraining&) const { return "server draining"; }

  static std::string Lease(const SessionOpened& detail) {
    if (detail.lease == absl::InfiniteDuration()) return "";
    return absl::StrCat(" lease=", absl::FormatDuration(detail.lease),
                        " on_lease_expiry=", wire::WordOf(detail.on_lease_expiry));
  }
};

}  // namespace

EventJournal::EventJournal(EventLog* log, Meter* meter, Clock clock)
    : log_(log), meter_(meter), clock_(std::move(clock)), position_(log->range().last) {
  for (LineBudget& budget : budgets_) budget.Widen(kBurst, kPause);
}

void EventJournal::Write() {
  for (;;) {
    auto events = log_->ReadAfter(position_, kJournalBatch);
    if (!events.ok()) {  // fell behind the kept events: goes on with the present
      spdlog::warn("events lost to the log after={}", position_);
      position_ = log_->range().first - 1;
      continue;
    }
    if (events->empty()) return;
    for (const auto& event : *events) {
      position_ = event->sequence;
      meter_->ObserveEvent(*event);
      WriteLine(*event);
    }
  }
}

void EventJournal::WriteLine(const Event& event) {
  const Level level = std::visit(LevelOf(), event.detail);
  if (!spdlog::should_log(level)) return;
  uint64_t untold = 0;
  if (!spdlog::should_log(Level::debug)) {  // which has all lines
    const auto taken = budgets_[event.detail.index()].Take(clock_());
    if (!taken.has_value()) return;
    untold = *taken;
  }
  spdlog::log(level, "{}{}", std::visit(Describe{event}, event.detail), UntoldText(untold));
}

void EventJournal::TellUntold() {
  for (size_t i = 0; i < budgets_.size(); ++i) {
    const uint64_t untold = budgets_[i].TakeUntold();
    if (untold > 0) spdlog::info("events without a line kind=\"{}\" count={}", kKinds[i], untold);
  }
}

}  // namespace proctor::server
