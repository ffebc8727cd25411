#pragma once

namespace proctor::server {

// For as long as it lives, what gRPC and Protobuf would write to stderr by themselves goes to
// spdlog's default logger: one line each, with its place in their source. Some of it any caller
// can make them say, so that each place has a LineBudget of its own.
//
// GRPC_VERBOSITY and GRPC_TRACE choose what gRPC says, as ever.
//
// Thread-safety: lines come from any thread. Lifetime: one at a time.
class LibraryLog {
 public:
  LibraryLog();
  ~LibraryLog();
  LibraryLog(const LibraryLog&) = delete;
  LibraryLog& operator=(const LibraryLog&) = delete;
};

}  // namespace proctor::server
