// What the cells of the benchmark of events do to a server, and how they give up.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <string>

#include "proctor/v1/process_service.grpc.pb.h"

namespace proctor {

// Ends this process, with the reason on stderr.
[[noreturn]] void Die(const std::string& why);

// Nanoseconds of CLOCK_MONOTONIC.
int64_t MonotonicNow();

// A connection of its own, on any thread. It is kept until the end: gRPC (1.51) now and then fails
// an assertion of its own where channels end at the same time on several threads.
std::shared_ptr<grpc::Channel> NewChannel(const std::string& target);

// Starts `program` with no standard streams. Dies if it cannot.
v1::Process StartChild(v1::ProcessService::Stub& stub, const std::string& program);

}  // namespace proctor
