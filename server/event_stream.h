#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "core/loop/event_loop.h"
#include "core/session/session_registry.h"
#include "proctor/v1/event_service.pb.h"
#include "server/event_hub.h"

namespace proctor::server {

// One WatchEvents: a position in the event log that moves as the caller takes
// messages. One write is in flight at most. A caller who does not take it is cut off after a
// while, so that what gRPC and the kernel hold for it is given back; it can resume.
//
// Thread-safety: gRPC calls the reactions, which hop to the hub's thread; all else is
// there.
// Lifetime: deletes itself when the RPC is over, on the hub's thread.
class EventStream final : public grpc::ServerWriteReactor<v1::WatchEventsResponse> {
 public:
  EventStream(EventHub* hub, SessionRegistry* sessions, grpc::CallbackServerContext* context,
              const v1::WatchEventsRequest& request);

  // How many events it is behind the log.
  uint64_t lag() const;

  void OnWriteDone(bool ok) noexcept override;
  void OnCancel() noexcept override;
  void OnDone() noexcept override;

  // Sends what there is to send.
  void Pump();

 private:
  void Begin();
  absl::Status Locate();
  bool NextMessage();
  bool NextSnapshotItem();
  bool NextEvent();
  bool NextBookmark();
  void OnHeartbeat();
  void OnStall();
  void Write();
  void End(const grpc::Status& status);
  void TryFinish();

  EventHub* const hub_;
  SessionRegistry* const sessions_;
  grpc::CallbackServerContext* const context_;
  const v1::WatchEventsRequest request_;

  // The hub's thread.
  uint64_t position_ = 0;  // the last event that was sent or filtered out
  uint64_t told_ = 0;      // the position that the caller knows
  bool first_bookmark_told_ = false;
  enum class Snapshot { kSessions, kProcesses, kDone };
  Snapshot snapshot_ = Snapshot::kDone;
  uint64_t snapshot_after_ = 0;
  std::deque<v1::SnapshotItem> snapshot_items_;
  std::deque<EventLog::EventPtr> batch_;
  v1::WatchEventsResponse response_;
  LoopHandle heartbeat_;
  LoopHandle stall_;  // while a write is in flight
  LoopHandle again_;  // while what was filtered out is gone through
  bool spoke_ = false;
  bool writing_ = false;
  std::optional<grpc::Status> outcome_;
  bool finished_ = false;
};

}  // namespace proctor::server
