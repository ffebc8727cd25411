#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/event/event_log.h"
#include "core/registry/session_registry.h"
#include "core/tree/process_tree.h"
#include "proctor/v1/server_service.grpc.pb.h"
#include "server/access/logins.h"
#include "server/admin/state_dump.h"

namespace proctor::server {

// proctor.v1.ServerService.
//
// Thread-safety: gRPC calls it from any thread. Lifetime: outlives the gRPC server;
// what it points to outlives it.
class ServerService final : public v1::ServerService::CallbackService {
 public:
  // What the service reports and does not know by itself.
  struct Facts {
    v1::ServerLimits limits;
    v1::EventLogInfo event_log;  // its constant part
    std::shared_ptr<const ProcessTrees> trees;
    // Begins the server's shutdown; a grace of zero means the server's own.
    std::function<void(absl::Duration grace)> drain;
    // The links to the dashboard.
    http::Logins* logins;
    // What DumpState shows of the server beside its sessions.
    std::vector<StatePart> parts;
  };

  ServerService(SessionRegistry* sessions, EventLog* events, Facts facts);

  grpc::ServerUnaryReactor* GetServerInfo(grpc::CallbackServerContext* context,
                                          const v1::GetServerInfoRequest* request,
                                          v1::GetServerInfoResponse* response) override;
  grpc::ServerUnaryReactor* GetPolicy(grpc::CallbackServerContext* context,
                                      const v1::GetPolicyRequest* request,
                                      v1::GetPolicyResponse* response) override;
  grpc::ServerUnaryReactor* SetPolicy(grpc::CallbackServerContext* context,
                                      const v1::SetPolicyRequest* request,
                                      v1::SetPolicyResponse* response) override;
  grpc::ServerUnaryReactor* Drain(grpc::CallbackServerContext* context,
                                  const v1::DrainRequest* request,
                                  v1::DrainResponse* response) override;
  grpc::ServerUnaryReactor* CreateDashboardLink(grpc::CallbackServerContext* context,
                                                const v1::CreateDashboardLinkRequest* request,
                                                v1::CreateDashboardLinkResponse* response) override;
  grpc::ServerUnaryReactor* DumpState(grpc::CallbackServerContext* context,
                                      const v1::DumpStateRequest* request,
                                      v1::DumpStateResponse* response) override;

 private:
  std::string DescribeServer() const;
  std::vector<StatePart> ListOwnParts() const;

  SessionRegistry* const sessions_;
  EventLog* const events_;
  const Facts facts_;
  const std::string instance_id_;
  const absl::Time started_at_;
};

}  // namespace proctor::server
