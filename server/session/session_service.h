#pragma once

#include <functional>
#include <string>

#include "core/registry/session_registry.h"
#include "proctor/v1/session_service.grpc.pb.h"

namespace proctor::server {

// proctor.v1.SessionService.
//
// Thread-safety: gRPC calls it from any thread. Lifetime: outlives the gRPC server;
// `sessions` outlives it.
class SessionService final : public v1::SessionService::CallbackService {
 public:
  explicit SessionService(SessionRegistry* sessions) : sessions_(sessions) {}

  grpc::ServerUnaryReactor* CreateSession(grpc::CallbackServerContext* context,
                                          const v1::CreateSessionRequest* request,
                                          v1::CreateSessionResponse* response) override;
  grpc::ServerUnaryReactor* GetSession(grpc::CallbackServerContext* context,
                                       const v1::GetSessionRequest* request,
                                       v1::GetSessionResponse* response) override;
  grpc::ServerUnaryReactor* ListSessions(grpc::CallbackServerContext* context,
                                         const v1::ListSessionsRequest* request,
                                         v1::ListSessionsResponse* response) override;
  grpc::ServerUnaryReactor* RenewSession(grpc::CallbackServerContext* context,
                                         const v1::RenewSessionRequest* request,
                                         v1::RenewSessionResponse* response) override;
  grpc::ServerUnaryReactor* SetSessionWatcher(grpc::CallbackServerContext* context,
                                              const v1::SetSessionWatcherRequest* request,
                                              v1::SetSessionWatcherResponse* response) override;
  grpc::ServerUnaryReactor* CloseSession(grpc::CallbackServerContext* context,
                                         const v1::CloseSessionRequest* request,
                                         v1::CloseSessionResponse* response) override;

 private:
  // Runs `work` on the thread of an open session and answers `rpc` with what it returns.
  grpc::ServerUnaryReactor* OnSession(grpc::CallbackServerContext* context,
                                      const std::string& session_id,
                                      std::function<absl::Status(SessionContext&)> work,
                                      const char* rpc = __builtin_FUNCTION());
  v1::Session Describe(const SessionInfo& info) const;

  SessionRegistry* const sessions_;
};

}  // namespace proctor::server
