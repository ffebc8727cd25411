#pragma once

namespace proctor::server {

// While it lives, the messages of gRPC and Protobuf go to spdlog's default logger and not to
// stderr: one line each, with its place in their source. Callers can cause some of them, so each
// place has a LineBudget of its own.
//
// GRPC_VERBOSITY and GRPC_TRACE choose gRPC's messages, as ever.
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
