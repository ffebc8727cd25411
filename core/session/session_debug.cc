// A session, described for people.

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/session/bounded_text.h"
#include "core/session/session_context.h"

namespace proctor {
namespace {

const char* StateName(SessionState state) {
  switch (state) {
    case SessionState::kOpen:
      return "open";
    case SessionState::kClosing:
      return "closing";
    case SessionState::kClosed:
      return "closed";
  }
  return "";
}

}  // namespace

uint64_t SessionContext::ListUser(std::function<std::string()> describe) {
  own_thread_.Check();
  listed_users_.emplace(++last_listed_user_, std::move(describe));
  return last_listed_user_;
}

std::string SessionContext::Describe(const SessionInfo& info) {
  const absl::Time now = absl::Now();
  std::string line = absl::StrCat(
      StateName(info.state), info.is_default ? ", the default session" : "", "; opened ",
      absl::FormatDuration(now - info.created_at), " ago; loop: ", info.loop,
      "; policy: ", info.policy, "; watcher: ", info.watcher);
  if (info.lease_expires_at != absl::InfiniteFuture()) {
    absl::StrAppend(&line, "; lease ends in ", absl::FormatDuration(info.lease_expires_at - now));
  }
  return line;
}

std::string SessionContext::DebugString(size_t max_bytes) const {
  own_thread_.Check();
  uint64_t users;
  {
    absl::MutexLock lock(&mutex_);
    users = users_;
  }
  BoundedText text(max_bytes);
  text.Add(Describe(Info()));
  text.Add(loop_->DebugString());
  text.Add(absl::StrCat("watcher ", watcher_->DebugString()));
  for (const auto& watcher : retired_watchers_) {
    text.Add(absl::StrCat("earlier watcher ", watcher->DebugString()));
  }
  text.Add(absl::StrCat("users: ", users));
  for (const auto& [id, describe] : listed_users_) text.Add(describe);
  processes_.Describe(&text);
  return std::move(text).Take();
}

}  // namespace proctor
