#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "core/registry/session_registry.h"
#include "proctor/event_loop.h"
#include "proctor/v1/event_service.pb.h"
#include "server/event/event_hub.h"
#include "server/event/event_transport.h"

namespace proctor::server {

// One WatchEvents: a position in the event log that moves as the caller takes
// messages. At most one write is in flight. A caller that does not take it is cut off after a
// while, which frees what gRPC and the kernel hold for it; it can resume.
//
// Thread-safety: OnWritten from any thread; the rest on the hub's thread. The end of a write makes
// no hop when nothing waits for it.
// Lifetime: owned by the RPC's reactor; End() before it goes.
class EventFeed {
 public:
  EventFeed(EventHub* hub, SessionRegistry* sessions, EventTransport* transport,
            v1::WatchEventsRequest request);

  // Begins to serve. Once.
  void Begin();

  // The last event that was sent, made ready or filtered out.
  uint64_t position() const { return position_; }

  // Reactions.
  void OnWritten(bool ok);
  void OnCancelled();

  // The RPC is over: no reaction comes any more.
  void End();

  // Sends what there is to send.
  void Pump();

  // How far it has come and what it waits for, on one line, for people.
  std::string DebugString() const;

 private:
  void PumpAgain();
  absl::Status Locate();
  bool MakeNext();
  bool MakeSnapshot();
  bool AddSessions(v1::Snapshot* snapshot);
  bool AddProcesses(v1::Snapshot* snapshot);
  bool MakeEvent();
  grpc::ByteBuffer MakeBookmark();
  bool TakeTurn();
  void Write(bool more);
  void OnTick();
  void OnStall();
  void EndWith(const grpc::Status& status);
  void TryFinish();

  EventHub* const hub_;
  SessionRegistry* const sessions_;
  EventTransport* const transport_;
  const v1::WatchEventsRequest request_;

  // The end of a write sets kNone, and calls the hub when it finds kWanted.
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
  grpc::ByteBuffer response_;  // in flight
  grpc::ByteBuffer next_;
  bool has_next_ = false;
  LoopHandle again_;  // while there is more to do at once
  LoopHandle tick_;
  uint64_t writes_ = 0;          // begun
  uint64_t writes_at_tick_ = 0;  // begun by the last tick
  int quiet_ticks_ = 0;          // since a write was begun
  std::optional<grpc::Status> outcome_;
  bool finished_ = false;
};

}  // namespace proctor::server
