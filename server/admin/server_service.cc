#include "server/admin/server_service.h"

#include <spdlog/spdlog.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/random_id.h"
#include "core/spawn/launch_method.h"
#include "proctor/policy_registry.h"
#include "proctor/version.h"
#include "proctor/watcher_kind.h"
#include "server/admin/dump_call.h"
#include "server/admin/session_part.h"
#include "server/call/rpc_caller.h"
#include "server/call/unary.h"
#include "server/wire/process.h"
#include "server/wire/time.h"

namespace proctor::server {
namespace {

void FillChoice(const std::string& name, const absl::Status& availability, v1::Choice* choice) {
  choice->set_name(name);
  choice->set_available(availability.ok());
  choice->set_reason(std::string(availability.message()));
}

const char* MethodName(LaunchMethod method) {
  switch (method) {
    case LaunchMethod::kClone3:
      return "clone3";
    case LaunchMethod::kClone:
      return "clone";
  }
  return "";
}

void FillMachine(const ProcessTrees& trees, v1::GetServerInfoResponse* response) {
  utsname names{};
  ::uname(&names);
  response->set_hostname(names.nodename);
  response->set_kernel(absl::StrCat(names.sysname, " ", names.release));
  const LauncherInfo launcher = ProbeLauncher();
  response->mutable_launcher()->set_name(MethodName(launcher.method));
  response->mutable_launcher()->set_available(true);
  response->mutable_launcher()->set_reason(launcher.reason);
  const auto cgroup = trees.cgroup();
  FillChoice(cgroup.ok() ? *cgroup : "", cgroup.status(), response->mutable_cgroup());
  for (const std::string& controller : trees.controllers()) {
    response->add_cgroup_controllers(controller);
  }
  response->set_tree_mechanism(wire::ToProto(trees.mechanism()));
  response->set_tree_caveat(trees.caveat());
}

}  // namespace

ServerService::ServerService(SessionRegistry* sessions, EventLog* events, Facts facts)
    : sessions_(sessions),
      events_(events),
      facts_(std::move(facts)),
      instance_id_(NewRandomId()),
      started_at_(absl::Now()) {}

grpc::ServerUnaryReactor* ServerService::GetServerInfo(grpc::CallbackServerContext* context,
                                                       const v1::GetServerInfoRequest*,
                                                       v1::GetServerInfoResponse* response) {
  response->set_version(kVersion);
  response->set_instance_id(instance_id_);
  *response->mutable_started_at() = wire::ToProto(started_at_);
  for (const PolicyInfo& policy : ListPolicies()) {
    FillChoice(policy.name, policy.availability, response->add_policies());
  }
  response->set_policy(sessions_->policy());
  for (const WatcherInfo& watcher : ListWatchers()) {
    FillChoice(watcher.name, watcher.availability, response->add_watchers());
  }
  response->set_watcher(sessions_->watcher());
  *response->mutable_limits() = facts_.limits;
  response->set_draining(sessions_->draining());
  response->mutable_last_event()->set_log_id(events_->log_id());
  response->mutable_last_event()->set_sequence(events_->range().last);
  *response->mutable_event_log() = facts_.event_log;
  response->mutable_event_log()->set_first_sequence(events_->range().first);
  if (events_->stored()) response->mutable_event_log()->set_bytes(events_->store()->Bytes());
  response->mutable_event_log()->set_trouble(std::string(events_->CheckRoom().message()));
  FillMachine(*facts_.trees, response);
  response->set_open_sessions(sessions_->open_sessions());
  response->set_running_processes(sessions_->processes().CountAll().running);
  if (sessions_->outputs() != nullptr) {
    response->set_output_on_disk_bytes(sessions_->outputs()->use().bytes);
  }
  response->set_memory_bytes(sessions_->memory().used());
  response->set_dashboard_url(facts_.logins->site());
  return Answer(context, absl::OkStatus());
}

grpc::ServerUnaryReactor* ServerService::GetPolicy(grpc::CallbackServerContext* context,
                                                   const v1::GetPolicyRequest*,
                                                   v1::GetPolicyResponse* response) {
  response->set_policy(sessions_->policy());
  return Answer(context, absl::OkStatus());
}

grpc::ServerUnaryReactor* ServerService::SetPolicy(grpc::CallbackServerContext* context,
                                                   const v1::SetPolicyRequest* request,
                                                   v1::SetPolicyResponse* response) {
  const absl::Status status = sessions_->SetPolicy(request->policy());
  if (status.ok()) response->set_policy(sessions_->policy());
  return Answer(context, status);
}

grpc::ServerUnaryReactor* ServerService::Drain(grpc::CallbackServerContext* context,
                                               const v1::DrainRequest* request,
                                               v1::DrainResponse*) {
  absl::Duration grace;
  if (request->has_grace()) {
    auto given = wire::FromProto(request->grace(), "grace", absl::Milliseconds(1));
    if (!given.ok()) return Answer(context, given.status());
    grace = *given;
  }
  facts_.drain(grace);
  return Answer(context, absl::OkStatus());
}

grpc::ServerUnaryReactor* ServerService::CreateDashboardLink(
    grpc::CallbackServerContext* context, const v1::CreateDashboardLinkRequest* request,
    v1::CreateDashboardLinkResponse* response) {
  const bool may_act = !request->look_only();
  auto link = facts_.logins->NewLink(may_act ? http::Role::kAct : http::Role::kLook);
  if (!link.ok()) return Answer(context, link.status());
  spdlog::info("dashboard link made may_act={} peer={}", may_act, CallerName(*context));
  response->set_url(link->url);
  response->set_code(link->code);
  *response->mutable_expires_at() = wire::ToProto(absl::Now() + link->life);
  return Answer(context, absl::OkStatus());
}

std::string ServerService::DescribeServer() const {
  return absl::StrCat("proctord ", kVersion, "; pid: ", ::getpid(), "; started ",
                      absl::FormatDuration(absl::Now() - started_at_),
                      " ago; instance: ", instance_id_, sessions_->draining() ? "; draining" : "",
                      "\n");
}

std::vector<StatePart> ServerService::ListOwnParts() const {
  std::vector<StatePart> parts = {
      {.name = "server", .describe = [this](size_t) { return DescribeServer(); }},
      {.name = "sessions and events",
       .describe = [this](size_t) { return sessions_->DebugString(); }},
  };
  parts.insert(parts.end(), facts_.parts.begin(), facts_.parts.end());
  return parts;
}

grpc::ServerUnaryReactor* ServerService::DumpState(grpc::CallbackServerContext* context,
                                                   const v1::DumpStateRequest* request,
                                                   v1::DumpStateResponse* response) {
  const std::string& wanted = request->session_id();
  std::vector<StatePart> parts;
  if (wanted.empty()) parts = ListOwnParts();
  const size_t in_front = parts.size();
  for (auto& thread : sessions_->Threads()) {
    if (wanted.empty() || wanted == thread.id) parts.push_back(SessionPart(*sessions_, thread));
  }
  if (!wanted.empty() && parts.empty()) {
    auto info = sessions_->GetInfo(wanted);
    if (!info.ok()) return Answer(context, info.status());
    parts.push_back(ClosedSessionPart(*sessions_, *info));
  }
  return NewDumpCall(std::move(parts), in_front, response);
}

}  // namespace proctor::server
