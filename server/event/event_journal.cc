#include "server/event/event_journal.h"

#include <spdlog/spdlog.h>

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/signal_name.h"
#include "server/wire/word.h"

namespace proctor::server {
namespace {

constexpr size_t kBatch = 256;

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
                        " command=\"", absl::CEscape(absl::StrJoin(detail.argv, " ")), "\"");
  }
  std::string operator()(const ProcessExited& detail) const {
    const WaitStatus& wait = detail.status.wait;
    const std::string what = absl::StrCat(event.process_id, " status=\"", DebugString(wait), "\"");
    if (wait.lost()) return absl::StrCat("process lost process=", what);
    return absl::StrCat("process exited process=", what,
                        " duration=", absl::FormatDuration(detail.status.duration));
  }
  std::string operator()(const OutputDrained& detail) const {
    return absl::StrCat("output drained process=", event.process_id,
                        " reason=", wire::WordOf(detail.reason));
  }
  std::string operator()(const ProcessSignalled& detail) const {
    return absl::StrCat(
        "process signalled process=", event.process_id, " signal=", SignalName(detail.signal),
        " scope=", wire::WordOf(detail.scope), " by=\"", absl::CEscape(detail.requested_by), "\"");
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

void EventJournal::Write() {
  for (;;) {
    auto events = log_->ReadAfter(position_, kBatch);
    if (!events.ok()) {  // fell behind the kept events: goes on with the present
      spdlog::warn("events lost to the log after={}", position_);
      position_ = log_->range().first - 1;
      continue;
    }
    if (events->empty()) return;
    for (const auto& event : *events) {
      position_ = event->sequence;
      if (observer_) observer_(*event);
      const auto level = event->process_id.empty() ? spdlog::level::info : spdlog::level::debug;
      if (spdlog::should_log(level))
        spdlog::log(level, std::visit(Describe{*event}, event->detail));
    }
  }
}

}  // namespace proctor::server
