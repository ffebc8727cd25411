#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "core/loop/event_loop.h"
#include "core/registry/session_registry.h"
#include "proctor/v1/event_service.pb.h"
#include "server/event/event_hub.h"

namespace proctor::server {

// One WatchEvents: a position in the event log that moves as the caller takes
// messages. One write is in flight at most. A caller who does not take it is cut off after a
// while, so that what gRPC and the kernel hold for it is given back; it can resume.
//
// Thread-safety: gRPC calls the reactions, which hop to the hub's thread; all else is
// there. A write that ends when nothing waits for its end makes no hop.
// Lifetime: deletes itself when the RPC is over, on the hub's thread.
class EventFeed final : public grpc::ServerWriteReactor<v1::WatchEventsResponse> {
 public:
  EventFeed(EventHub* hub, SessionRegistry* sessions, grpc::CallbackServerContext* context,
            const v1::WatchEventsRequest& request);

  // The last event that was sent, made ready or filtered out.
  uint64_t position() const { return position_; }

  void OnWriteDone(bool ok) noexcept override;
  void OnCancel() noexcept override;
  void OnDone() noexcept override;

  // Sends what there is to send.
  void Pump();

 private:
  void Begin();
  void PumpAgain();
  absl::Status Locate();
  bool MakeNext();
  bool MakeSnapshot();
  bool AddSessions(v1::Snapshot* snapshot);
  bool AddProcesses(v1::Snapshot* snapshot);
  bool MakeEvent();
  void MakeBookmark(v1::WatchEventsResponse& message);
  bool TakeTurn();
  void Write(bool more);
  void OnTick();
  void OnStall();
  void End(const grpc::Status& status);
  void TryFinish();

  EventHub* const hub_;
  SessionRegistry* const sessions_;
  grpc::CallbackServerContext* const context_;
  const v1::WatchEventsRequest request_;

  // Whoever ends a write says kNone, and calls the hub if it finds kWanted.
  enum class InFlight { kNone, kWrite, kWanted };
  std::atomic<InFlight> in_flight_ = InFlight::kNone;

  // The hub's thread.
  uint64_t position_ = 0;
  uint64_t told_ = 0;  // the position that the caller knows
  bool first_bookmark_told_ = false;
  enum class Snapshot { kSessions, kProcesses, kDone };
  Snapshot snapshot_ = Snapshot::kDone;
  uint64_t snapshot_after_ = 0;
  std::deque<EventLog::EventPtr> batch_;
  v1::WatchEventsResponse response_;  // that is written
  v1::WatchEventsResponse next_;
  bool has_next_ = false;
  LoopHandle again_;  // while there is more to do at once
  LoopHandle tick_;
  uint64_t writes_ = 0;          // that were begun
  uint64_t writes_at_tick_ = 0;  // then
  int quiet_ticks_ = 0;          // since the last one that was begun
  std::optional<grpc::Status> outcome_;
  bool finished_ = false;
};

}  // namespace proctor::server
