#pragma once

#include <memory>
#include <optional>
#include <string>

#include "server/log/library_log.h"
#include "server/log/log_writer.h"

namespace proctor::server {

// The server's log on stderr. It takes what spdlog's default logger, the core's warnings, gRPC and
// Protobuf (library_log.h) and a fault that ends the process (last_words.h) say. Each message is
// one line, and a terminal obeys nothing in it (printable_text.h).
//
// Thread-safety: lines come from any thread, and never block it (log_writer.h).
// Lifetime: one at a time, made by main. The threads that exist before it must have blocked the
// signals that its own thread is not to take. Messages after its end are lost.
class ServerLog {
 public:
  // `level` is one of spdlog's names.
  explicit ServerLog(const std::string& level);
  // Waits for the messages before it, but no longer than LogWriter's options say.
  ~ServerLog();
  ServerLog(const ServerLog&) = delete;
  ServerLog& operator=(const ServerLog&) = delete;

 private:
  const std::shared_ptr<LogWriter> writer_;
  std::optional<LibraryLog> libraries_;
};

}  // namespace proctor::server
