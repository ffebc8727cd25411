#include "server/event/event_feed.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/printable_text.h"
#include "core/base/return_if_error.h"
#include "proctor/error.h"
#include "server/event/event_messages.h"
#include "server/wire/event.h"
#include "server/wire/process.h"
#include "server/wire/session.h"
#include "server/wire/status.h"
#include "server/wire/time.h"

namespace proctor::server {
namespace {

constexpr absl::Duration kTick = absl::Seconds(1);
constexpr int kHeartbeatTicks = 15;            // of silence
constexpr int kStallTicks = 20;                // the longest that a write may take
constexpr size_t kFeedBatch = 64;              // events read from the log at a time
constexpr size_t kMostPassed = 128;            // events filtered out in one turn of the hub
constexpr size_t kSnapshotItems = 256;         // the most of one message
constexpr size_t kSnapshotBytes = 128 * 1024;  // a message ends with the item that reaches this

}  // namespace

EventFeed::EventFeed(EventHub* hub, SessionRegistry* sessions, EventTransport* transport,
                     v1::WatchEventsRequest request)
    : hub_(hub), sessions_(sessions), transport_(transport), request_(std::move(request)) {}

void EventFeed::OnWritten(bool ok) {
  if (!ok) {
    hub_->Post([this] {
      in_flight_ = InFlight::kNone;
      EndWith(grpc::Status::CANCELLED);
    });
  } else if (in_flight_.exchange(InFlight::kNone) == InFlight::kWanted) {
    hub_->Post([this] { outcome_.has_value() ? TryFinish() : Pump(); });
  }
}

void EventFeed::OnCancelled() { EndWith(grpc::Status::CANCELLED); }

void EventFeed::End() {
  tick_.Cancel();
  again_.Cancel();
  hub_->Remove(this);
}

void EventFeed::Begin() {
  if (absl::Status status = Locate(); !status.ok()) return EndWith(wire::ToGrpc(status));
  told_ = position_;
  hub_->Add(this);
  tick_ = hub_->loop()->CallLater(kTick, [this] { OnTick(); });
  Pump();
}

absl::Status EventFeed::Locate() {
  RETURN_IF_ERROR(wire::CheckFilter(request_.filter()));
  if (!request_.has_resume_after()) {
    // The snapshot may already be newer than this: then the events that made it so follow, and
    // nothing is missing.
    position_ = hub_->log()->range().last;
    if (request_.include_snapshot()) snapshot_ = Snapshot::kSessions;
    return absl::OkStatus();
  }
  if (request_.include_snapshot()) {
    return InvalidField("include_snapshot", "does not go together with resume_after");
  }
  position_ = request_.resume_after().sequence();
  return hub_->log()->CheckPosition(request_.resume_after().log_id(), position_);
}

// One message in one turn of the hub, so that no caller holds up the others. The next one is made
// ahead: where there is one, gRPC may send both together.
void EventFeed::Pump() {
  if (outcome_.has_value() || !TakeTurn()) return;
  if (!has_next_) has_next_ = MakeNext();
  if (!has_next_) {
    if (outcome_.has_value()) return TryFinish();
    if (again_.pending() || !hub_->ending()) return;
    return EndWith(wire::ToGrpc(MakeError(absl::StatusCode::kUnavailable, Reason::kServerDraining,
                                          "watch events: the server shut down")));
  }
  response_.Swap(&next_);
  has_next_ = MakeNext();
  Write(has_next_);
  if (outcome_.has_value()) return TryFinish();
  if ((has_next_ || hub_->ending()) && TakeTurn()) PumpAgain();
}

void EventFeed::PumpAgain() {
  if (!again_.pending()) again_ = hub_->loop()->CallSoon([this] { Pump(); });
}

// Whether no write is in flight. If one is, its end calls the hub.
bool EventFeed::TakeTurn() {
  InFlight found = InFlight::kWrite;
  return !in_flight_.compare_exchange_strong(found, InFlight::kWanted) && found == InFlight::kNone;
}

// False if there is nothing to say now, or the stream is to end.
bool EventFeed::MakeNext() {
  next_.Clear();
  if (snapshot_ != Snapshot::kDone && MakeSnapshot()) return true;
  if (std::exchange(first_bookmark_told_, true)) return MakeEvent();
  next_ = MakeBookmark();
  return true;
}

// Large enough that the cost of a message does not count, and small enough that making it holds up
// no other stream.
// 10,000 items took 6 s and more when each was a message.
bool EventFeed::MakeSnapshot() {
  v1::WatchEventsResponse message;
  v1::Snapshot* const snapshot = message.mutable_snapshot();
  while (snapshot_ != Snapshot::kDone) {
    const bool more =
        snapshot_ == Snapshot::kSessions ? AddSessions(snapshot) : AddProcesses(snapshot);
    if (more) {
      next_ = Serialize(message);
      return true;
    }
    snapshot_ = snapshot_ == Snapshot::kSessions ? Snapshot::kProcesses : Snapshot::kDone;
    snapshot_after_ = 0;
  }
  return false;
}

// False if there is no more.
bool EventFeed::AddSessions(v1::Snapshot* snapshot) {
  const auto page = sessions_->List(
      snapshot_after_, kSnapshotItems,
      [this](const SessionInfo& info) { return wire::Matches(request_.filter(), info); });
  size_t bytes = 0;
  for (const auto& entry : page) {
    if (bytes >= kSnapshotBytes) break;
    v1::Session* const session = snapshot->add_items()->mutable_session();
    *session = wire::ToProto(entry.info, sessions_->processes().CountOf(entry.info.id));
    bytes += session->ByteSizeLong();
    snapshot_after_ = entry.ordinal;
  }
  return !page.empty();
}

bool EventFeed::AddProcesses(v1::Snapshot* snapshot) {
  const auto page = sessions_->processes().List(
      snapshot_after_, kSnapshotItems,
      [this](const ProcessInfo& info) { return wire::Matches(request_.filter(), info); });
  size_t bytes = 0;
  for (const auto& entry : page) {
    if (bytes >= kSnapshotBytes) break;
    v1::Process* const process = snapshot->add_items()->mutable_process();
    *process = wire::ToProto(*entry.info);
    bytes += process->ByteSizeLong();
    snapshot_after_ = entry.ordinal;
  }
  return !page.empty();
}

// A filter may pass over much, as when a caller resumes far back: other work comes in between.
bool EventFeed::MakeEvent() {
  for (size_t passed = 0; passed < kMostPassed; ++passed) {
    if (batch_.empty()) {
      auto events = hub_->log()->ReadAfter(position_, kFeedBatch);
      if (!events.ok()) {  // too slow: the next event is not kept any more
        outcome_ = wire::ToGrpc(events.status());
        return false;
      }
      if (events->empty()) return false;
      batch_.assign(events->begin(), events->end());
    }
    const EventLog::EventPtr event = std::move(batch_.front());
    batch_.pop_front();
    position_ = event->sequence;
    if (!wire::Matches(request_.filter(), *event)) continue;
    told_ = position_;
    next_ = hub_->messages().Of(*event);
    return true;
  }
  PumpAgain();
  return false;
}

grpc::ByteBuffer EventFeed::MakeBookmark() {
  told_ = position_;
  v1::WatchEventsResponse message;
  auto* position = message.mutable_bookmark()->mutable_position();
  position->set_log_id(hub_->log()->log_id());
  position->set_sequence(position_);
  return Serialize(message);
}

// Never `more` with the first one: its write ends only when the metadata before it are sent.
void EventFeed::Write(bool more) {
  in_flight_ = InFlight::kWrite;
  transport_->StartWriting(response_, ++writes_ > 1 && more);
}

// Looks now and then, as a timer for each write would cost more than the write's message.
void EventFeed::OnTick() {
  if (finished_) return;
  tick_ = hub_->loop()->CallLater(kTick, [this] { OnTick(); });
  if (std::exchange(writes_at_tick_, writes_) != writes_) {
    quiet_ticks_ = 0;
    return;
  }
  ++quiet_ticks_;
  if (in_flight_ != InFlight::kNone) {
    if (quiet_ticks_ == kStallTicks) OnStall();
    return;
  }
  if (quiet_ticks_ < kHeartbeatTicks || has_next_) return;
  // Events that were filtered out moved the position: a caller that resumes from
  // there need not go through them again.
  if (told_ != position_) {
    response_ = MakeBookmark();
  } else {
    v1::WatchEventsResponse message;
    *message.mutable_heartbeat()->mutable_time() = wire::ToProto(absl::Now());
    response_ = Serialize(message);
  }
  Write(/*more=*/false);
  writes_at_tick_ = writes_;
  quiet_ticks_ = 0;
}

// The write fails by this, and the stream ends: Finish is not allowed while a write is in flight.
// Where the caller's whole socket is stuck, that happens when it moves again. The connection stays
// open: other calls of the same caller may use it, and their processes would end with it. From here
// on the stream keeps nothing, and nothing waits for it.
void EventFeed::OnStall() {
  hub_->Remove(this);
  batch_.clear();
  transport_->Cancel();
  EndWith(grpc::Status::CANCELLED);
}

void EventFeed::EndWith(const grpc::Status& status) {
  if (!outcome_.has_value()) outcome_ = status;
  TryFinish();
}

void EventFeed::TryFinish() {
  if (!TakeTurn() || std::exchange(finished_, true)) return;
  transport_->Finish(*outcome_);
}

std::string EventFeed::DebugString() const {
  return absl::StrCat("WatchEvents by ", Printable(transport_->caller()), ": at ", position_, ", ",
                      hub_->log()->range().last - position_, " behind; ", writes_, " writes",
                      in_flight_ != InFlight::kNone ? ", one in flight" : "",
                      snapshot_ != Snapshot::kDone ? "; in its snapshot" : "",
                      outcome_.has_value() ? "; ends" : "");
}

}  // namespace proctor::server
