#pragma once

#include <grpcpp/grpcpp.h>

#include <string>
#include <utility>

#include "core/registry/session_registry.h"
#include "server/call/unary.h"
#include "server/wire/field.h"
#include "server/wire/process.h"

namespace proctor::server {

// Starts a command in a session, once for each request_id, and answers `call` with its process.
// `request` and `response` are the RPC's own. Only .cc files include this: it shows gRPC.
template <typename Request, typename Response>
void StartIn(SessionRegistry* sessions, const std::string& session_id, Command command,
             const UnaryCall& call, const Request* request, Response* response) {
  auto past = sessions->FindStarted(session_id, request->request_id(), command);
  if (!past.ok()) return call.Finish(past.status());
  if (*past != nullptr) {
    *response->mutable_process() = wire::ToProto(**past);
    return call.Finish(absl::OkStatus());
  }
  auto session = sessions->Find(session_id);
  if (!session.ok()) return call.Finish(session.status());
  const absl::Status posted = (*session)->Post(
      [session = *session, call, request, response, command = std::move(command)]() mutable {
        auto process = session->StartProcess(std::move(command), request->request_id());
        if (process.ok()) *response->mutable_process() = wire::ToProto((*process)->Info());
        call.Finish(wire::InSpec(process.status()));
      });
  if (!posted.ok()) call.Finish(posted);
}

}  // namespace proctor::server
