#include "server/gateway/streams.h"

#include <grpcpp/channel.h>

#include <utility>

#include "proctor/v1/event_service.grpc.pb.h"
#include "proctor/v1/process_service.grpc.pb.h"
#include "server/gateway/output_frames.h"
#include "server/gateway/stream_relay.h"

namespace proctor::server::http {
namespace {

template <typename Call>
void Begin(const Streams::Answer& answer, bool is_head, std::string opening, Call make) {
  Response head;
  head.content_type = "text/event-stream";
  // For proxies that would keep frames until they have enough of them.
  head.headers.emplace_back("X-Accel-Buffering", "no");
  if (is_head) return answer->Respond(std::move(head));
  head.body = std::move(opening);
  answer->Stream(std::move(head), make());
}

}  // namespace

struct Streams::Stubs {
  explicit Stubs(const std::shared_ptr<grpc::Channel>& channel)
      : events(channel), processes(channel) {}

  v1::EventService::Stub events;
  v1::ProcessService::Stub processes;
};

Streams::Streams(HttpThread* thread, CallSet* calls, const std::shared_ptr<grpc::Channel>& channel)
    : thread_(thread), calls_(calls), stubs_(std::make_unique<Stubs>(channel)) {}

Streams::~Streams() = default;

void Streams::WatchEvents(Query query, std::string_view last_event_id, bool is_head,
                          Answer answer) {
  auto wanted = ToWatchEvents(std::move(query), last_event_id);
  if (!wanted.ok()) return answer->Respond(ErrorResponse(wanted.status()));
  EventFrames frames(wanted->format, &cache_);
  Begin(answer, is_head, frames.Opening(), [&] {
    using Call = StreamRelay<v1::WatchEventsRequest, EventFrames>;
    return new Call(thread_, calls_, std::move(wanted->request), frames,
                    [this](auto* context, auto* request, auto* reactor) {
                      stubs_->events.async()->WatchEvents(context, request, reactor);
                    });
  });
}

void Streams::ReadOutput(const std::string& process_id, Query query, std::string_view last_event_id,
                         bool is_head, Answer answer) {
  auto wanted = ToReadOutput(process_id, std::move(query), last_event_id);
  if (!wanted.ok()) return answer->Respond(ErrorResponse(wanted.status()));
  OutputFrames frames(wanted->from());
  Begin(answer, is_head, frames.Opening(), [&] {
    using Call = StreamRelay<v1::ReadOutputRequest, OutputFrames>;
    return new Call(thread_, calls_, *std::move(wanted), frames,
                    [this](auto* context, auto* request, auto* reactor) {
                      stubs_->processes.async()->ReadOutput(context, request, reactor);
                    });
  });
}

}  // namespace proctor::server::http
