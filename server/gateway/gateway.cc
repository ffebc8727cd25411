#include "server/gateway/gateway.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proctor/error.h"
#include "server/http/error_json.h"
#include "server/http/json_text.h"
#include "server/page/static_files.h"

namespace proctor::server::http {
namespace {

Response Text(std::string body) {
  Response response;
  response.body = std::move(body);
  return response;
}

Response NoSuchPath(const std::string& path) {
  return ErrorResponse(MakeError(absl::StatusCode::kNotFound, Reason::kNoSuchPath,
                                 absl::StrCat("nothing is at '", path, "'"), {{"path", path}}));
}

Response TooManyConnections() {
  Response response =
      ErrorResponse(MakeError(absl::StatusCode::kUnavailable, Reason::kTooManyConnections,
                              "as many connections as the server takes are open"));
  response.headers.emplace_back("Retry-After", "5");
  return response;
}

}  // namespace

Gateway::Gateway(HttpThread* thread, CallSet* calls, AccessControl::Options access, Logins* logins,
                 Sources sources)
    : logins_(logins),
      access_(std::move(access), logins),
      sources_(std::move(sources)),
      resources_(thread, calls, sources_.channel),
      actions_(thread, calls, sources_.channel),
      streams_(thread, calls, sources_.channel) {}

void Gateway::Handle(const Request& request, std::shared_ptr<Exchange> answer) {
  // A caller that may not pass learns nothing, not even what a good request looks like.
  const auto target = ParseTarget(request.target);
  const RequestTarget asked = target.value_or(RequestTarget{"//", {}});  // a path of nothing
  AccessControl::Verdict verdict = access_.Check(request, asked);
  if (verdict.refusal.has_value()) return answer->Respond(*std::move(verdict.refusal));
  if (verdict.showed_secret && !answer->Keep()) return answer->Respond(TooManyConnections());
  if (!target.ok()) return answer->Respond(ErrorResponse(target.status()));
  if (target->path == "/login") return answer->Respond(access_.LogIn(request));
  if (target->path == "/v1/login") return answer->Respond(TellLogin(verdict.login));
  if (auto action = ParseAction(*target)) {
    Actions::Actor actor{std::move(verdict.caller), [this, login = std::move(verdict.login)] {
                           return access_.CheckAgain(login);
                         }};
    const bool done = actions_.Do(request, *std::move(action), Query(target->parameters),
                                  std::move(actor), answer);
    if (!done) answer->Respond(NoSuchPath(target->path));
    return;
  }
  if (verdict.login.has_value()) {
    if (target->path == "/logout") return answer->Respond(access_.LogOut(request, *verdict.login));
    answer->StreamWhile(
        [logins = logins_, login = *std::move(verdict.login)] { return logins->IsOpen(login); });
  }
  Route(request, *target, std::move(answer));
}

Response Gateway::TellLogin(const std::optional<Logins::Id>& login) const {
  const std::string why_not = access_.WhyOnlyLook(login);
  Response response;
  response.content_type = "application/json";
  response.body = why_not.empty()
                      ? "{\"may_act\":true}\n"
                      : absl::StrCat("{\"may_act\":false,\"why_not\":", JsonString(why_not), "}\n");
  return response;
}

void Gateway::Route(const Request& request, const RequestTarget& target,
                    std::shared_ptr<Exchange> answer) {
  if (RoutePlain(target, answer) || RouteApi(request, target, answer)) return;
  const std::string name = target.path == "/" ? "index.html" : target.path.substr(1);
  const StaticFile* file = FindStaticFile(name);
  answer->Respond(file == nullptr ? NoSuchPath(target.path) : StaticFileResponse(*file, request));
}

bool Gateway::RoutePlain(const RequestTarget& target, const std::shared_ptr<Exchange>& answer) {
  if (target.path == "/healthz") {
    answer->Respond(Text("ok\n"));
  } else if (target.path == "/readyz") {
    const absl::Status ready = sources_.ready();
    Response response = Text(ready.ok() ? "ready\n" : absl::StrCat(ready.message(), "\n"));
    if (!ready.ok()) response.status = 503;
    answer->Respond(std::move(response));
  } else if (target.path == "/metrics") {
    Response response = Text(sources_.metrics());
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    answer->Respond(std::move(response));
  } else {
    return false;
  }
  return true;
}

bool Gateway::RouteApi(const Request& request, const RequestTarget& target,
                       const std::shared_ptr<Exchange>& answer) {
  const std::vector<std::string> path = target.Segments();
  if (path.size() < 2 || path[0] != "v1") return false;
  for (const std::string& segment : path) {
    if (segment.empty()) return false;  // "/v1/sessions/" is not the default session
  }
  Query query(target.parameters);
  const bool is_head = request.method == "HEAD";
  const std::string_view last_event_id = request.Header("last-event-id");
  const std::string& kind = path[1];
  if (kind == "server" && path.size() == 2) {
    resources_.GetServer(std::move(query), answer);
  } else if (kind == "state" && path.size() == 2) {
    resources_.DumpState(std::move(query), answer);
  } else if (kind == "events" && path.size() == 2) {
    streams_.WatchEvents(std::move(query), last_event_id, is_head, answer);
  } else if (kind == "sessions" && path.size() == 2) {
    resources_.ListSessions(std::move(query), answer);
  } else if (kind == "sessions" && path.size() == 3) {
    resources_.GetSession(path[2], std::move(query), answer);
  } else if (kind == "usage" && path.size() == 2) {
    resources_.GetUsage(std::move(query), answer);
  } else if (kind == "processes" && path.size() == 2) {
    resources_.ListProcesses(std::move(query), answer);
  } else if (kind == "processes" && path.size() == 3) {
    resources_.GetProcess(path[2], std::move(query), answer);
  } else if (kind == "processes" && path.size() == 4 && path[3] == "output") {
    streams_.ReadOutput(path[2], std::move(query), last_event_id, is_head, answer);
  } else {
    return false;
  }
  return true;
}

}  // namespace proctor::server::http
