#include "server/gateway/actions.h"

#include <grpcpp/channel.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "proctor/error.h"
#include "proctor/v1/process_service.grpc.pb.h"
#include "server/gateway/json_request.h"
#include "server/gateway/unary_relay.h"
#include "server/http/json_text.h"

namespace proctor::server::http {
namespace {

using Async = v1::ProcessService::StubInterface::async_interface;

// How long a call may take. Those that end a process bound themselves, by its grace.
enum class Patience { kShort, kItsOwn };
constexpr std::chrono::seconds kShortPatience{30};

// Only a page of this very site, or a program, can say that a body is JSON.
bool IsJson(const Request& request) {
  absl::string_view type(request.Header("content-type").data(),
                         request.Header("content-type").size());
  type = type.substr(0, type.find(';'));
  return absl::AsciiStrToLower(absl::StripAsciiWhitespace(type)) == "application/json";
}

Response NotJson() {
  return ErrorResponse(MakeError(absl::StatusCode::kInvalidArgument, Reason::kNotJson,
                                 "the Content-Type of what acts is application/json"),
                       415);
}

}  // namespace

struct Actions::Stub {
  explicit Stub(const std::shared_ptr<grpc::Channel>& channel) : processes(channel) {}

  v1::ProcessService::Stub processes;
};

// One request with its body.
struct Actions::Asked {
  const Verb* verb;
  std::string process_id;
  std::string body;
  std::string caller;
  Answer answer;
};

struct Actions::Verb {
  const char* name;
  Patience patience;
  bool logged;  // the others come with each key that is typed
  void (*call)(Actions* self, const Asked& asked);
};

const Actions::Verb* Actions::FindVerb(const std::string& name) {
  static constexpr Verb kVerbs[] = {
      {"stop", Patience::kItsOwn, true,
       [](Actions* self, const Asked& asked) {
         self->Call<v1::StopProcessRequest, v1::StopProcessResponse>(
             asked, [](Async* stub, auto... call) { stub->StopProcess(std::move(call)...); });
       }},
      {"signal", Patience::kShort, true,
       [](Actions* self, const Asked& asked) {
         self->Call<v1::SignalProcessRequest, v1::SignalProcessResponse>(
             asked, [](Async* stub, auto... call) { stub->SignalProcess(std::move(call)...); });
       }},
      {"restart", Patience::kShort, true,
       [](Actions* self, const Asked& asked) {
         self->Call<v1::RestartProcessRequest, v1::RestartProcessResponse>(
             asked, [](Async* stub, auto... call) { stub->RestartProcess(std::move(call)...); });
       }},
      {"write", Patience::kShort, false,
       [](Actions* self, const Asked& asked) {
         self->Call<v1::WriteStdinRequest, v1::WriteStdinResponse>(
             asked, [](Async* stub, auto... call) { stub->WriteStdin(std::move(call)...); });
       }},
      {"resize", Patience::kShort, false,
       [](Actions* self, const Asked& asked) {
         self->Call<v1::ResizeTerminalRequest, v1::ResizeTerminalResponse>(
             asked, [](Async* stub, auto... call) { stub->ResizeTerminal(std::move(call)...); });
       }},
      {"remove", Patience::kItsOwn, true,
       [](Actions* self, const Asked& asked) {
         self->Call<v1::RemoveProcessRequest, v1::RemoveProcessResponse>(
             asked, [](Async* stub, auto... call) { stub->RemoveProcess(std::move(call)...); });
       }},
  };
  for (const Verb& verb : kVerbs) {
    if (name == verb.name) return &verb;
  }
  return nullptr;
}

Actions::Actions(HttpThread* thread, CallSet* calls, const std::shared_ptr<grpc::Channel>& channel)
    : thread_(thread), calls_(calls), stub_(std::make_unique<Stub>(channel)) {}

Actions::~Actions() = default;

bool Actions::Do(const Request& request, ProcessAction action, Query query, Actor actor,
                 Answer answer) {
  const Verb* verb = FindVerb(action.verb);
  if (verb == nullptr) return false;
  if (auto status = query.Finish(); !status.ok()) {
    answer->Respond(ErrorResponse(status));
  } else if (!IsJson(request)) {
    answer->Respond(NotJson());
  } else {
    answer->ReadBody([this, verb, id = std::move(action.process_id), actor = std::move(actor),
                      answer](std::string body) {
      if (auto refusal = actor.refusal()) return answer->Respond(*std::move(refusal));
      verb->call(this, {verb, id, std::move(body), actor.caller, answer});
    });
  }
  return true;
}

template <typename Request, typename Response, typename Method>
void Actions::Call(const Asked& asked, Method method) {
  Request request;
  absl::Status status = ReadJson(asked.body, &request);
  if (status.ok() && !request.process_id().empty() && request.process_id() != asked.process_id) {
    status = InvalidField("process_id", "is not that of the path");
  }
  if (!status.ok()) return asked.answer->Respond(ErrorResponse(status));
  request.set_process_id(asked.process_id);
  UnaryRelay<Request, Response>::Start(
      thread_, calls_, std::move(request),
      [this, &asked, method](grpc::ClientContext* context, const Request* sent, Response* response,
                             std::function<void(grpc::Status)> done) {
        // The service believes it of this channel alone (CallerName).
        context->AddMetadata("proctor-caller", asked.caller);
        context->set_deadline(asked.verb->patience == Patience::kItsOwn
                                  ? std::chrono::system_clock::time_point::max()
                                  : std::chrono::system_clock::now() + kShortPatience);
        method(stub_->processes.async(), context, sent, response, std::move(done));
      },
      [verb = asked.verb, id = asked.process_id, caller = asked.caller, answer = asked.answer](
          const absl::Status& ended, const Response& response) {
        if (!ended.ok()) return answer->Respond(ErrorResponse(ended));
        if (verb->logged) {
          spdlog::info("http action={} process_id={} by=\"{}\"", verb->name, id, caller);
        }
        http::Response json;
        json.content_type = "application/json";
        json.body = absl::StrCat(JsonOf(response), "\n");
        answer->Respond(std::move(json));
      });
}

}  // namespace proctor::server::http
