#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/event/event_log.h"
#include "core/registry/session_registry.h"
#include "core/tree/process_tree.h"
#include "proctor/event_loop.h"
#include "server/admin/server_service.h"
#include "server/event/event_hub.h"
#include "server/listen/accepted_sockets.h"
#include "server/listen/listener_load.h"
#include "server/options/options.h"

namespace grpc {
class Channel;
class ServerBuilder;
}  // namespace grpc

namespace proctor::server {

// The gRPC side: the services, gRPC's server, its listeners and their connections.
//
//   Start ──▶ serving ──StopAccepting──▶ calls go on ──Shutdown──▶ no call is left
//
// Thread-safety: the main loop's thread, but for channel and loads.
// Lifetime: the parts in Behind outlive it. After a successful Start, Shutdown comes before the
// destructor.
class GrpcSide {
 public:
  // The parts that the services use.
  struct Behind {
    EventLoop* main_loop;
    SessionRegistry* sessions;
    EventLog* events;
    EventHub* hub;
    std::shared_ptr<ProcessTrees> trees;
    ServerService::Facts facts;
  };

  // Errors: those of the listeners and of TLS files; Internal if gRPC does not start.
  static absl::StatusOr<std::unique_ptr<GrpcSide>> Start(const Options& options, Behind behind);
  ~GrpcSide();
  GrpcSide(const GrpcSide&) = delete;
  GrpcSide& operator=(const GrpcSide&) = delete;

  // Sets what health answers for each service.
  void SetServing(bool serving);

  // Reads the TLS files again. The outcome is in the log.
  void Reload();

  // Cuts off peers that have vanished, which nothing else notices. Call every look_period().
  void LookAtPeers();
  absl::Duration look_period() const;

  // The addresses of its listeners, in the form that clients take.
  std::vector<std::string> Addresses() const;
  // The load of each listener. From any thread, until StopAccepting.
  std::vector<const ListenerLoad*> loads() const;
  // A channel to the services within this process.
  std::shared_ptr<grpc::Channel> NewChannel();

  // Takes no more connections. Returns what can cut off the open ones.
  std::vector<AcceptedSockets> StopAccepting();

  // Ends all calls; cancels those that are left at `deadline`. After StopAccepting.
  void Shutdown(absl::Time deadline);

 private:
  struct Parts;

  GrpcSide(const Options& options, Behind behind);
  absl::Status Begin();
  absl::Status Listen(grpc::ServerBuilder& builder);

  const Options options_;
  EventLoop* const main_loop_;
  std::unique_ptr<Parts> parts_;  // what knows gRPC
};

}  // namespace proctor::server
