#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/registry/session_registry.h"
#include "proctor/v1/process.pb.h"
#include "server/call/rpc_caller.h"
#include "server/event/event_hub.h"

namespace proctor::server {

// The wish of a call about the processes that a lost server has left.
struct SurvivorWish {
  std::optional<StopPolicy> stop = std::nullopt;  // how they are ended, if they are
  std::string by = "";                            // the caller, for the records
  absl::Duration limit;                           // of the time that the call waits
  std::function<void(v1::Process)> fill;          // gets the process when none is left
};

// The call of WaitProcess, StopProcess or RemoveProcess about a process of a lost server that
// has left something in its control group. No session has it any more: the hub's thread is the
// strand. The steps of a stop go on when the caller goes away, and stop where they are when the
// server ends.
//
// Errors: DeadlineExceeded (STOP_TIMEOUT, or WAIT_TIMEOUT without a stop); Unavailable
// (SERVER_DRAINING); NotFound (PROCESS_NOT_FOUND) when it was forgotten meanwhile.
// Thread-safety: from any thread. Lifetime: deletes itself; `sessions` and `hub` outlive it.
grpc::ServerUnaryReactor* NewSurvivorCall(const CallLabel& label, SessionRegistry* sessions,
                                          EventHub* hub, std::shared_ptr<const ProcessInfo> info,
                                          SurvivorWish wish);

}  // namespace proctor::server
