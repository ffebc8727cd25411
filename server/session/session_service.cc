#include "server/session/session_service.h"

#include <string>
#include <utility>

#include "core/base/selection.h"
#include "proctor/error.h"
#include "proctor/watcher_kind.h"
#include "server/call/page_token.h"
#include "server/call/request_id.h"
#include "server/call/rpc_caller.h"
#include "server/call/unary.h"
#include "server/session/session_calls.h"
#include "server/wire/command.h"
#include "server/wire/session.h"

namespace proctor::server {
namespace {

bool Matches(const v1::ListSessionsRequest& request, const SessionInfo& info) {
  if (!request.include_closed() && info.state == SessionState::kClosed) return false;
  return HasLabels(info.labels, request.labels());
}

}  // namespace

v1::Session SessionService::Describe(const SessionInfo& info) const {
  return wire::ToProto(info, sessions_->processes().CountOf(info.id));
}

grpc::ServerUnaryReactor* SessionService::OnSession(
    grpc::CallbackServerContext* context, const std::string& session_id,
    std::function<absl::Status(SessionContext&)> work, const char* rpc) {
  const UnaryCall call(context, rpc);
  auto session = sessions_->Find(session_id);
  if (!session.ok()) {
    call.Finish(session.status());
    return call.reactor();
  }
  const absl::Status posted = (*session)->Post(
      [call, session = *session, work = std::move(work)] { call.Finish(work(*session)); });
  if (!posted.ok()) call.Finish(posted);
  return call.reactor();
}

grpc::ServerUnaryReactor* SessionService::CreateSession(grpc::CallbackServerContext* context,
                                                        const v1::CreateSessionRequest* request,
                                                        v1::CreateSessionResponse* response) {
  auto options = wire::OptionsFromProto(*request);
  if (!options.ok()) return Answer(context, options.status());
  if (auto status = CheckRequestId(request->request_id(), "request_id"); !status.ok()) {
    return Answer(context, status);
  }
  auto info = sessions_->CreateOnce(request->request_id(), *options);
  if (!info.ok()) return Answer(context, info.status());
  *response->mutable_session() = Describe(*info);
  return Answer(context, absl::OkStatus());
}

grpc::ServerUnaryReactor* SessionService::GetSession(grpc::CallbackServerContext* context,
                                                     const v1::GetSessionRequest* request,
                                                     v1::GetSessionResponse* response) {
  auto info = sessions_->GetInfo(request->session_id());
  if (!info.ok()) return Answer(context, info.status());
  *response->mutable_session() = Describe(*info);
  return Answer(context, absl::OkStatus());
}

grpc::ServerUnaryReactor* SessionService::ListSessions(grpc::CallbackServerContext* context,
                                                       const v1::ListSessionsRequest* request,
                                                       v1::ListSessionsResponse* response) {
  const std::string filter = FilterOf(*request);
  auto page = ReadPage(request->page_size(), request->page_token(), filter);
  if (!page.ok()) return Answer(context, page.status());
  auto entries = sessions_->List(page->after, page->size + 1, [request](const SessionInfo& info) {
    return Matches(*request, info);
  });
  PageRoom room;
  uint64_t last = page->after;
  for (const auto& entry : entries) {
    v1::Session session = Describe(entry.info);
    if (static_cast<size_t>(response->sessions_size()) == page->size ||
        !room.Take(session.ByteSizeLong())) {
      response->set_next_page_token(MakePageToken(last, filter));
      break;
    }
    *response->add_sessions() = std::move(session);
    last = entry.ordinal;
  }
  return Answer(context, absl::OkStatus());
}

grpc::ServerUnaryReactor* SessionService::RenewSession(grpc::CallbackServerContext* context,
                                                       const v1::RenewSessionRequest* request,
                                                       v1::RenewSessionResponse* response) {
  return OnSession(context, request->session_id(), [this, response](SessionContext& session) {
    const absl::Status status = session.Renew();
    if (status.ok()) *response->mutable_session() = Describe(session.Info());
    return status;
  });
}

grpc::ServerUnaryReactor* SessionService::SetSessionWatcher(
    grpc::CallbackServerContext* context, const v1::SetSessionWatcherRequest* request,
    v1::SetSessionWatcherResponse* response) {
  if (request->watcher().empty()) return Answer(context, InvalidField("watcher", "is required"));
  // A watcher that is unknown or cannot work here opens no default session.
  if (auto watcher = ResolveWatcher(request->watcher()); !watcher.ok()) {
    return Answer(context, watcher.status());
  }
  return OnSession(context, request->session_id(),
                   [this, request, response](SessionContext& session) {
                     const absl::Status status = session.SetWatcher(request->watcher());
                     if (status.ok()) *response->mutable_session() = Describe(session.Info());
                     return status;
                   });
}

grpc::ServerUnaryReactor* SessionService::CloseSession(grpc::CallbackServerContext* context,
                                                       const v1::CloseSessionRequest* request,
                                                       v1::CloseSessionResponse* response) {
  if (request->session_id().empty()) {
    return Answer(context, InvalidField("session_id", "is required"));
  }
  SessionClose close;
  close.request.requested_by = CallerName(*context);
  switch (request->mode()) {
    case v1::CLOSE_MODE_UNSPECIFIED:
    case v1::CLOSE_MODE_KILL:
      break;
    case v1::CLOSE_MODE_STOP:
      close.graceful = true;
      break;
    default:
      return Answer(context, InvalidField("mode", "unknown mode"));
  }
  if (request->has_stop_policy()) {
    auto stop = wire::StopOverrideFromProto(request->stop_policy(), "stop_policy");
    if (!stop.ok()) return Answer(context, stop.status());
    close.stop = *stop;
  }
  return NewCloseCall(
      sessions_, context, request->session_id(), close,
      [this, response](const SessionInfo& info) { *response->mutable_session() = Describe(info); });
}

}  // namespace proctor::server
