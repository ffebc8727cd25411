#include "server/admin/session_part.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace proctor::server {
namespace {

// What other threads know of a session.
std::string DescribeFromOutside(const SessionRegistry& sessions, const SessionInfo& info) {
  const ProcessTable::Counts counts = sessions.processes().CountOf(info.id);
  return absl::StrCat(SessionContext::Describe(info), "\nprocesses: ", counts.running, " run, ",
                      counts.ended, " have ended\n");
}

std::string NameOf(const std::string& id) { return absl::StrCat("session ", id); }

}  // namespace

StatePart SessionPart(const SessionRegistry& sessions,
                      const SessionRegistry::SessionThread& thread) {
  const std::shared_ptr<SessionContext>& session = thread.session;
  return {
      .name = NameOf(thread.id),
      .post = [session](LoopCallback work) { return session->Post(std::move(work)); },
      .describe = [session](size_t max_bytes) { return session->DebugString(max_bytes); },
      .turn_time = [session] { return session->loop()->TurnTime(); },
      .outside = [&sessions, session] { return DescribeFromOutside(sessions, session->Info()); }};
}

StatePart ClosedSessionPart(const SessionRegistry& sessions, const SessionInfo& info) {
  return {.name = NameOf(info.id),
          .describe = [&sessions, info](size_t) { return DescribeFromOutside(sessions, info); }};
}

}  // namespace proctor::server
