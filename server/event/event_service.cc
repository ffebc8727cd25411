#include "server/event/event_service.h"

#include <grpcpp/grpcpp.h>

#include <string>
#include <utility>

#include "core/registry/session_registry.h"
#include "server/call/refusals.h"
#include "server/call/rpc_caller.h"
#include "server/call/unary.h"
#include "server/event/event_feed.h"
#include "server/event/event_listing.h"
#include "server/event/event_transport.h"

namespace proctor::server {
namespace {

// Returns the request with ids in place of the names in its filter: of the processes that have them
// now.
template <typename Request>
Request WithIds(const ProcessTable& processes, Request request) {
  if (!request.has_filter()) return request;
  for (std::string& id : *request.mutable_filter()->mutable_process_ids()) id = processes.IdOf(id);
  return request;
}

// One WatchEvents.
//
// Thread-safety: gRPC calls the reactions; all else is on the hub's thread.
// Lifetime: deletes itself when the RPC is over, on the hub's thread.
class WatchCall final : public grpc::ServerWriteReactor<grpc::ByteBuffer>, private EventTransport {
 public:
  WatchCall(EventHub* hub, SessionRegistry* sessions, grpc::CallbackServerContext* context,
            v1::WatchEventsRequest request)
      : hub_(hub),
        context_(context),
        caller_(CallerName(*context)),
        feed_(hub, sessions, this, std::move(request)) {
    hub_->AddUser();
    hub_->Post([this] { feed_.Begin(); });
  }

  void OnWriteDone(bool ok) noexcept override { feed_.OnWritten(ok); }
  void OnCancel() noexcept override {
    hub_->Post([this] { feed_.OnCancelled(); });
  }
  void OnDone() noexcept override {
    hub_->Post([this] {
      feed_.End();
      EventHub* const hub = hub_;
      delete this;
      hub->ReleaseUser();
    });
  }

 private:
  void StartWriting(const grpc::ByteBuffer& message, bool more) override {
    grpc::WriteOptions options;
    if (more) options.set_buffer_hint();
    StartWrite(&message, options);
  }
  void Finish(const grpc::Status& status) override {
    Refusals::Get().Note("WatchEvents", status, [this] { return caller_; });
    ServerWriteReactor::Finish(status);
  }
  const std::string& caller() const override { return caller_; }
  void Cancel() override { context_->TryCancel(); }

  EventHub* const hub_;
  grpc::CallbackServerContext* const context_;
  const std::string caller_;
  EventFeed feed_;
};

}  // namespace

grpc::ServerWriteReactor<grpc::ByteBuffer>* EventService::WatchEvents(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  grpc::ByteBuffer bytes = *request;  // the reading empties it
  v1::WatchEventsRequest parsed;
  if (!grpc::SerializationTraits<v1::WatchEventsRequest>::Deserialize(&bytes, &parsed).ok()) {
    return nullptr;  // as any request that cannot be read: gRPC answers UNIMPLEMENTED
  }
  return new WatchCall(hub_, sessions_, context,
                       WithIds(sessions_->processes(), std::move(parsed)));
}

grpc::ServerUnaryReactor* EventService::ListEvents(grpc::CallbackServerContext* context,
                                                   const v1::ListEventsRequest* request,
                                                   v1::ListEventsResponse* response) {
  auto listing =
      EventListing::Make(hub_, context, WithIds(sessions_->processes(), *request), response);
  if (!listing.ok()) return Answer(context, listing.status());
  return (*listing)->Begin();
}

}  // namespace proctor::server
