#include "server/process/usage_call.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/time/clock.h"
#include "core/base/selection.h"
#include "server/call/page_token.h"
#include "server/call/unary.h"
#include "server/wire/time.h"

namespace proctor::server {
namespace {

constexpr char kRpc[] = "GetProcessUsage";

bool Matches(const v1::GetProcessUsageRequest& request, const absl::flat_hash_set<std::string>& ids,
             const ProcessInfo& info) {
  if (info.state != ProcessState::kRunning) return false;
  if (!ids.empty() && !ids.contains(info.id)) return false;
  if (!request.session_id().empty() && request.session_id() != info.session_id) return false;
  return HasLabels(info.command->labels, request.labels());
}

v1::ProcessUsage ToProto(const ProcessInfo& info, const ProcessUsage& usage) {
  v1::ProcessUsage proto;
  proto.set_process_id(info.id);
  *proto.mutable_clock() = wire::ToProto(usage.clock);
  *proto.mutable_cpu_time() = wire::ToProto(usage.cpu_time);
  proto.set_memory_bytes(usage.memory_bytes);
  proto.set_tasks(usage.tasks);
  proto.set_source(usage.is_group ? v1::USAGE_SOURCE_GROUP : v1::USAGE_SOURCE_TREE);
  if (const uint64_t limit = info.command->cgroup.memory_bytes; limit != 0) {
    proto.set_memory_limit_bytes(limit);
  }
  return proto;
}

absl::Status CheckNamed(const SessionRegistry& sessions,
                        const v1::GetProcessUsageRequest& request) {
  for (const std::string& id : request.process_ids()) {
    if (auto found = sessions.FindProcess(id); !found.ok()) return found.status();
  }
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* AnswerUsage(SessionRegistry* sessions, UsageSampler* sampler,
                                      grpc::CallbackServerContext* context,
                                      const v1::GetProcessUsageRequest* request,
                                      v1::GetProcessUsageResponse* response) {
  const std::string filter = FilterOf(*request);
  auto page = ReadPage(request->page_size(), request->page_token(), filter);
  if (!page.ok()) return Answer(context, page.status(), kRpc);
  if (!request->session_id().empty()) {
    auto session = sessions->GetInfo(request->session_id());
    if (!session.ok()) return Answer(context, session.status(), kRpc);
  }
  if (auto status = CheckNamed(*sessions, *request); !status.ok()) {
    return Answer(context, status, kRpc);
  }
  absl::flat_hash_set<std::string> ids;  // of names, too
  for (const std::string& id : request->process_ids()) ids.insert(sessions->processes().IdOf(id));
  // One more than the page shows whether there is a next one.
  auto entries = sessions->processes().List(
      page->after, page->size + 1,
      [&](const ProcessInfo& info) { return Matches(*request, ids, info); });
  if (entries.size() > page->size) {
    entries.pop_back();
    response->set_next_page_token(MakePageToken(entries.back().ordinal, filter));
  }
  std::vector<UsageSampler::Subject> subjects;
  subjects.reserve(entries.size());
  for (const auto& entry : entries) subjects.push_back({entry.info->id, entry.info->pid});
  const UnaryCall call(context, kRpc);
  const absl::Status posted =
      sampler->Look(std::move(subjects), [sessions, call, response, entries = std::move(entries)](
                                             absl::StatusOr<UsageSampler::Usages> usages) {
        if (!usages.ok()) return call.Finish(usages.status());
        *response->mutable_time() = wire::ToProto(absl::Now());
        for (const auto& entry : entries) {
          const auto usage = usages->find(entry.info->id);
          if (usage == usages->end()) continue;
          // An end is published before the pid is given back: a process that still runs had its pid
          // at the look.
          const auto now = sessions->processes().Find(entry.info->id);
          if (!now.ok() || (*now)->state != ProcessState::kRunning) continue;
          *response->add_usages() = ToProto(**now, usage->second);
        }
        call.Finish(absl::OkStatus());
      });
  if (!posted.ok()) call.Finish(posted);
  return call.reactor();
}

}  // namespace proctor::server
