#include "server/daemon/stuck_threads.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proctor/error.h"

namespace proctor::server {
namespace {

constexpr absl::Duration kInterval = absl::Seconds(2);

absl::Status StuckError(const std::string& thread, absl::Duration time, ErrorMetadata metadata) {
  metadata.emplace("thread", thread);
  return MakeError(absl::StatusCode::kUnavailable, Reason::kThreadStuck,
                   absl::StrCat("the thread of ", thread, " has not got on for ",
                                absl::ToInt64Seconds(time), " s"),
                   metadata);
}

}  // namespace

StuckThreads::StuckThreads(const SessionRegistry* sessions, std::shared_ptr<EventLoop> main_loop,
                           std::shared_ptr<EventLoop> events_loop, absl::Duration longest)
    : sessions_(sessions),
      main_loop_(std::move(main_loop)),
      events_loop_(std::move(events_loop)),
      longest_(longest) {}

absl::Status StuckThreads::Check() const {
  if (const absl::Duration time = main_loop_->TurnTime(); time > longest_) {
    return StuckError("the main loop", time, {});
  }
  if (const absl::Duration time = events_loop_->TurnTime(); time > longest_) {
    return StuckError("events", time, {});
  }
  for (const auto& session : sessions_->Threads()) {
    if (session.turn_time <= longest_) continue;
    return StuckError(absl::StrCat("session '", session.id, "'"), session.turn_time,
                      {{"session_id", session.id}});
  }
  return absl::OkStatus();
}

void StuckThreads::Begin(std::function<void(const absl::Status&)> changed) {
  changed_ = std::move(changed);
  timer_ = main_loop_->CallLater(kInterval, [this] { Look(); });
}

void StuckThreads::End() { timer_.Cancel(); }

void StuckThreads::Look() {
  const absl::Status status = Check();
  const std::string thread = status.ok() ? "" : ErrorVariables(status)["thread"];
  if (std::exchange(told_, thread) != thread) changed_(status);
  timer_ = main_loop_->CallLater(kInterval, [this] { Look(); });
}

}  // namespace proctor::server
