#include "server/gateway/resources.h"

#include <grpcpp/channel.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proctor/v1/process_service.grpc.pb.h"
#include "proctor/v1/server_service.grpc.pb.h"
#include "proctor/v1/session_service.grpc.pb.h"
#include "server/gateway/unary_relay.h"
#include "server/gateway/wire_requests.h"
#include "server/http/json_text.h"

namespace proctor::server::http {
namespace {

void Reply(const Resources::Answer& answer, const absl::Status& status,
           const google::protobuf::Message& message) {
  if (!status.ok()) return answer->Respond(ErrorResponse(status));
  Response response;
  response.content_type = "application/json";
  response.body = absl::StrCat(JsonOf(message), "\n");
  answer->Respond(std::move(response));
}

}  // namespace

struct Resources::Stubs {
  explicit Stubs(const std::shared_ptr<grpc::Channel>& channel)
      : server(channel), sessions(channel), processes(channel) {}

  v1::ServerService::Stub server;
  v1::SessionService::Stub sessions;
  v1::ProcessService::Stub processes;
};

Resources::Resources(HttpThread* thread, CallSet* calls,
                     const std::shared_ptr<grpc::Channel>& channel)
    : thread_(thread), calls_(calls), stubs_(std::make_unique<Stubs>(channel)) {}

Resources::~Resources() = default;

void Resources::GetServer(Query query, Answer answer) {
  if (auto status = query.Finish(); !status.ok()) return answer->Respond(ErrorResponse(status));
  using Call = UnaryRelay<v1::GetServerInfoRequest, v1::GetServerInfoResponse>;
  Call::Start(
      thread_, calls_, {},
      [this](auto* context, auto* request, auto* response, auto done) {
        stubs_->server.async()->GetServerInfo(context, request, response, std::move(done));
      },
      [answer](const absl::Status& status, const auto& info) { Reply(answer, status, info); });
}

void Resources::DumpState(Query query, Answer answer) {
  v1::DumpStateRequest request;
  request.set_session_id(query.Text("session_id"));
  if (auto status = query.Finish(); !status.ok()) return answer->Respond(ErrorResponse(status));
  using Call = UnaryRelay<v1::DumpStateRequest, v1::DumpStateResponse>;
  Call::Start(
      thread_, calls_, std::move(request),
      [this](auto* context, auto* request, auto* response, auto done) {
        stubs_->server.async()->DumpState(context, request, response, std::move(done));
      },
      [answer](const absl::Status& status, const auto& state) { Reply(answer, status, state); });
}

void Resources::ListSessions(Query query, Answer answer) {
  auto wanted = ToListSessions(std::move(query));
  if (!wanted.ok()) return answer->Respond(ErrorResponse(wanted.status()));
  using Call = UnaryRelay<v1::ListSessionsRequest, v1::ListSessionsResponse>;
  Call::Start(
      thread_, calls_, std::move(wanted->request),
      [this](auto* context, auto* request, auto* response, auto done) {
        stubs_->sessions.async()->ListSessions(context, request, response, std::move(done));
      },
      [answer, states = std::move(wanted->states)](const absl::Status& status, auto& page) {
        auto* sessions = page.mutable_sessions();
        sessions->erase(std::remove_if(sessions->begin(), sessions->end(),
                                       [&states](const v1::Session& session) {
                                         return !states.empty() &&
                                                std::find(states.begin(), states.end(),
                                                          session.state()) == states.end();
                                       }),
                        sessions->end());
        Reply(answer, status, page);
      });
}

void Resources::GetSession(const std::string& id, Query query, Answer answer) {
  if (auto status = query.Finish(); !status.ok()) return answer->Respond(ErrorResponse(status));
  using Call = UnaryRelay<v1::GetSessionRequest, v1::GetSessionResponse>;
  v1::GetSessionRequest request;
  request.set_session_id(id);
  Call::Start(
      thread_, calls_, std::move(request),
      [this](auto* context, auto* request, auto* response, auto done) {
        stubs_->sessions.async()->GetSession(context, request, response, std::move(done));
      },
      [answer](const absl::Status& status, const auto& found) { Reply(answer, status, found); });
}

void Resources::ListProcesses(Query query, Answer answer) {
  auto wanted = ToListProcesses(std::move(query));
  if (!wanted.ok()) return answer->Respond(ErrorResponse(wanted.status()));
  using Call = UnaryRelay<v1::ListProcessesRequest, v1::ListProcessesResponse>;
  Call::Start(
      thread_, calls_, *std::move(wanted),
      [this](auto* context, auto* request, auto* response, auto done) {
        stubs_->processes.async()->ListProcesses(context, request, response, std::move(done));
      },
      [answer](const absl::Status& status, const auto& page) { Reply(answer, status, page); });
}

void Resources::GetUsage(Query query, Answer answer) {
  auto wanted = ToGetProcessUsage(std::move(query));
  if (!wanted.ok()) return answer->Respond(ErrorResponse(wanted.status()));
  using Call = UnaryRelay<v1::GetProcessUsageRequest, v1::GetProcessUsageResponse>;
  Call::Start(
      thread_, calls_, *std::move(wanted),
      [this](auto* context, auto* request, auto* response, auto done) {
        stubs_->processes.async()->GetProcessUsage(context, request, response, std::move(done));
      },
      [answer](const absl::Status& status, const auto& page) { Reply(answer, status, page); });
}

void Resources::GetProcess(const std::string& id, Query query, Answer answer) {
  v1::GetProcessRequest request;
  request.set_process_id(id);
  request.set_page_token(query.Text("page_token"));
  if (auto status = query.Finish(); !status.ok()) return answer->Respond(ErrorResponse(status));
  using Call = UnaryRelay<v1::GetProcessRequest, v1::GetProcessResponse>;
  Call::Start(
      thread_, calls_, std::move(request),
      [this](auto* context, auto* request, auto* response, auto done) {
        stubs_->processes.async()->GetProcess(context, request, response, std::move(done));
      },
      [answer](const absl::Status& status, const auto& found) { Reply(answer, status, found); });
}

}  // namespace proctor::server::http
