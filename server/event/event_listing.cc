#include "server/event/event_listing.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/return_if_error.h"
#include "server/wire/event.h"

namespace proctor::server {
namespace {

constexpr size_t kPiece = 128;       // events looked at in one turn of the hub
constexpr size_t kMostSeen = 20000;  // events looked at for one page

}  // namespace

EventListing::EventListing(EventHub* hub, grpc::CallbackServerContext* context,
                           v1::ListEventsRequest request, v1::ListEventsResponse* response)
    : hub_(hub),
      context_(context),
      request_(std::move(request)),
      response_(response),
      filter_(absl::StrCat(hub->log()->log_id(), FilterOf(request_))) {}

absl::StatusOr<std::shared_ptr<EventListing>> EventListing::Make(
    EventHub* hub, grpc::CallbackServerContext* context, v1::ListEventsRequest request,
    v1::ListEventsResponse* response) {
  std::shared_ptr<EventListing> listing(
      new EventListing(hub, context, std::move(request), response));
  RETURN_IF_ERROR(listing->Locate());
  return listing;
}

absl::Status EventListing::Locate() {
  RETURN_IF_ERROR(wire::CheckFilter(request_.filter()));
  ASSIGN_OR_RETURN(auto page, ReadPage(request_.page_size(), request_.page_token(), filter_));
  page_ = page;
  if (!request_.page_token().empty()) {
    position_ = page_.after;
    return absl::OkStatus();
  }
  if (request_.has_after()) {
    position_ = request_.after().sequence();
    return hub_->log()->CheckPosition(request_.after().log_id(), position_);
  }
  from_oldest_ = true;
  position_ = hub_->log()->range().first - 1;
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* EventListing::Begin() {
  call_.emplace(context_, "ListEvents");  // once for a call: not before it is sure to be ours
  hub_->Post([self = shared_from_this()] { self->Step(); });
  return call_->reactor();
}

void EventListing::Step() {
  auto events = hub_->log()->ReadAfter(position_, kPiece);
  if (absl::IsOutOfRange(events.status()) && from_oldest_ && seen_ == 0) {
    position_ = hub_->log()->range().first - 1;  // dropped since it was the oldest
    events = hub_->log()->ReadAfter(position_, kPiece);
  }
  if (!events.ok()) return Finish(events.status());
  for (const auto& event : *events) {
    if (static_cast<size_t>(response_->events_size()) == page_.size) full_ = true;
    if (full_) break;
    if (wire::Matches(request_.filter(), *event)) {
      v1::Event listed = wire::ToProto(*event, hub_->log()->log_id());
      full_ = !room_.Take(listed.ByteSizeLong());
      if (full_) break;
      *response_->add_events() = std::move(listed);
    }
    position_ = event->sequence;
    ++seen_;
  }
  if (position_ == hub_->log()->range().last) return Finish(absl::OkStatus());
  if (full_ || seen_ >= kMostSeen) {
    response_->set_next_page_token(MakePageToken(position_, filter_));
    return Finish(absl::OkStatus());
  }
  hub_->Post([self = shared_from_this()] { self->Step(); });
}

void EventListing::Finish(const absl::Status& status) { call_->Finish(status); }

}  // namespace proctor::server
