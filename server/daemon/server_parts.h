#pragma once

#include <memory>
#include <string>

#include "proctor/event_loop.h"
#include "server/access/logins.h"
#include "server/daemon/freed_memory.h"
#include "server/daemon/grpc_side.h"
#include "server/daemon/server.h"
#include "server/daemon/stuck_threads.h"
#include "server/event/event_hub.h"
#include "server/gateway/http_server.h"
#include "server/listen/listener_load.h"

namespace proctor::server {

// The parts of a server beside its sessions, in the order of their making; they go in reverse
// order.
struct Server::Parts {
  std::string notice;  // of the event log's opening
  std::unique_ptr<FreedMemory> freed_memory;
  std::unique_ptr<EventHub> hub;
  http::Logins logins;
  std::unique_ptr<GrpcSide> grpc;
  LoopHandle look_timer;
  std::unique_ptr<StuckThreads> stuck;
  const std::shared_ptr<ListenerLoad> http_load = std::make_shared<ListenerLoad>("http");
  std::unique_ptr<http::HttpServer> http;
};

}  // namespace proctor::server
