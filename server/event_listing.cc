#include "server/event_listing.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/wire/event.h"
#include "server/wire/status.h"

namespace proctor::server {
namespace {

constexpr size_t kPiece = 128;       // events looked at in one turn of the hub
constexpr size_t kMostSeen = 20000;  // events looked at for one page
// A page ends with the event that reaches this: gRPC's clients take 4 MiB where nobody said
// otherwise, and an event may have the arguments of a process, which the kernel holds to 2 MiB.
constexpr size_t kMostBytes = 1 << 20;

}  // namespace

EventListing::EventListing(EventHub* hub, grpc::CallbackServerContext* context,
                           const v1::ListEventsRequest* request, v1::ListEventsResponse* response)
    : hub_(hub),
      context_(context),
      request_(request),
      response_(response),
      filter_(absl::StrCat(hub->log()->log_id(), FilterOf(*request))) {}

absl::StatusOr<std::shared_ptr<EventListing>> EventListing::Make(
    EventHub* hub, grpc::CallbackServerContext* context, const v1::ListEventsRequest* request,
    v1::ListEventsResponse* response) {
  std::shared_ptr<EventListing> listing(new EventListing(hub, context, request, response));
  if (absl::Status status = listing->Locate(); !status.ok()) return status;
  return listing;
}

absl::Status EventListing::Locate() {
  if (absl::Status status = wire::CheckFilter(request_->filter()); !status.ok()) return status;
  auto page = ReadPage(request_->page_size(), request_->page_token(), filter_);
  if (!page.ok()) return page.status();
  page_ = *page;
  if (!request_->page_token().empty()) {
    position_ = page_.after;
    return absl::OkStatus();
  }
  if (request_->has_after()) {
    position_ = request_->after().sequence();
    return hub_->log()->CheckPosition(request_->after().log_id(), position_);
  }
  from_oldest_ = true;
  position_ = hub_->log()->range().first - 1;
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* EventListing::Begin() {
  reactor_ = context_->DefaultReactor();  // once for a call: not before it is sure to be ours
  hub_->Post([self = shared_from_this()] { self->Step(); });
  return reactor_;
}

void EventListing::Step() {
  auto events = hub_->log()->ReadAfter(position_, kPiece);
  if (absl::IsOutOfRange(events.status()) && from_oldest_ && seen_ == 0) {
    position_ = hub_->log()->range().first - 1;  // dropped since it was the oldest
    events = hub_->log()->ReadAfter(position_, kPiece);
  }
  if (!events.ok()) return Finish(events.status());
  for (const auto& event : *events) {
    if (IsFull()) break;
    position_ = event->sequence;
    ++seen_;
    if (!wire::Matches(request_->filter(), *event)) continue;
    v1::Event* const listed = response_->add_events();
    *listed = wire::ToProto(*event, hub_->log()->log_id());
    bytes_ += listed->ByteSizeLong();
  }
  if (position_ == hub_->log()->range().last) return Finish(absl::OkStatus());
  if (IsFull() || seen_ >= kMostSeen) {
    response_->set_next_page_token(MakePageToken(position_, filter_));
    return Finish(absl::OkStatus());
  }
  hub_->Post([self = shared_from_this()] { self->Step(); });
}

bool EventListing::IsFull() const {
  return static_cast<size_t>(response_->events_size()) == page_.size || bytes_ >= kMostBytes;
}

void EventListing::Finish(const absl::Status& status) { reactor_->Finish(wire::ToGrpc(status)); }

}  // namespace proctor::server
