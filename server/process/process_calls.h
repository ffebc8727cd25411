#pragma once

#include <grpcpp/grpcpp.h>

#include "core/registry/session_registry.h"
#include "proctor/v1/process_service.pb.h"
#include "server/event/event_hub.h"

namespace proctor::server {

// The RPCs of ProcessService that take time: streams, and waits for an end. Each
// function makes the reactor of one call, which deletes itself. `sessions` and `hub`
// outlive them all.

grpc::ServerBidiReactor<v1::RunProcessRequest, v1::RunProcessResponse>* NewRunCall(
    SessionRegistry* sessions, grpc::CallbackServerContext* context);

grpc::ServerBidiReactor<v1::AttachProcessRequest, v1::AttachProcessResponse>* NewAttachCall(
    SessionRegistry* sessions, grpc::CallbackServerContext* context);

grpc::ServerWriteReactor<v1::ReadOutputResponse>* NewReadOutputCall(
    SessionRegistry* sessions, grpc::CallbackServerContext* context,
    const v1::ReadOutputRequest* request);

grpc::ServerUnaryReactor* NewWaitCall(SessionRegistry* sessions, EventHub* hub,
                                      grpc::CallbackServerContext* context,
                                      const v1::WaitProcessRequest* request,
                                      v1::WaitProcessResponse* response);

grpc::ServerUnaryReactor* NewStopCall(SessionRegistry* sessions, EventHub* hub,
                                      grpc::CallbackServerContext* context,
                                      const v1::StopProcessRequest* request,
                                      v1::StopProcessResponse* response);

grpc::ServerUnaryReactor* NewWriteStdinCall(SessionRegistry* sessions,
                                            grpc::CallbackServerContext* context,
                                            const v1::WriteStdinRequest* request,
                                            v1::WriteStdinResponse* response);

// RemoveProcess with `force`: kills first, forgets when the process has ended.
grpc::ServerUnaryReactor* NewForcedRemoveCall(SessionRegistry* sessions, EventHub* hub,
                                              grpc::CallbackServerContext* context,
                                              const v1::RemoveProcessRequest* request);

}  // namespace proctor::server
