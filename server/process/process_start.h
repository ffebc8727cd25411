#pragma once

#include <grpcpp/grpcpp.h>

#include <string>
#include <utility>

#include "core/registry/session_registry.h"
#include "server/wire/field.h"
#include "server/wire/process.h"
#include "server/wire/status.h"

namespace proctor::server {

// Starts a command in a session, once for each request_id, and answers `reactor` with its process.
// `request` and `response` are the RPC's own. Only .cc files include this: it shows gRPC.
template <typename Request, typename Response>
void StartIn(SessionRegistry* sessions, const std::string& session_id, Command command,
             grpc::ServerUnaryReactor* reactor, const Request* request, Response* response) {
  auto past = sessions->FindStarted(session_id, request->request_id(), command);
  if (!past.ok()) return reactor->Finish(wire::ToGrpc(past.status()));
  if (*past != nullptr) {
    *response->mutable_process() = wire::ToProto(**past);
    return reactor->Finish(grpc::Status::OK);
  }
  auto session = sessions->Find(session_id);
  if (!session.ok()) return reactor->Finish(wire::ToGrpc(session.status()));
  const absl::Status posted = (*session)->Post(
      [session = *session, reactor, request, response, command = std::move(command)]() mutable {
        auto process = session->StartProcess(std::move(command), request->request_id());
        if (process.ok()) *response->mutable_process() = wire::ToProto((*process)->Info());
        reactor->Finish(wire::ToGrpc(wire::InSpec(process.status())));
      });
  if (!posted.ok()) reactor->Finish(wire::ToGrpc(posted));
}

}  // namespace proctor::server
