#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "core/registry/session_registry.h"
#include "server/call/unary.h"

namespace proctor::server {

// Unary RPCs about one process: the work runs on the thread of its session. Only .cc files include
// this: it shows gRPC.

// The answer to a unary RPC, once, when its work may finish later. When the session closed first
// and the work was dropped with its loop, `otherwise` gives the answer.
class LateAnswer {
 public:
  LateAnswer(const UnaryCall& call, std::function<absl::Status()> otherwise)
      : call_(call), otherwise_(std::move(otherwise)) {}
  ~LateAnswer() {
    if (!answered_) Finish(otherwise_());
  }
  LateAnswer(const LateAnswer&) = delete;
  LateAnswer& operator=(const LateAnswer&) = delete;

  void Finish(const absl::Status& status) {
    answered_ = true;
    call_.Finish(status);
  }

 private:
  const UnaryCall call_;
  bool answered_ = false;
  const std::function<absl::Status()> otherwise_;
};

// The answer of `gone(info)` where the session of a process is closed, by what the table says then:
// the process was drained before its session closed.
template <typename Gone>
absl::Status AnswerOfTable(const SessionRegistry* sessions, const std::string& process_id,
                           const Gone& gone) {
  auto last = sessions->FindProcess(process_id);
  return last.ok() ? gone(*last->info) : last.status();
}

// Runs `work(session, process)` on the session's thread, and answers with what it returns. Where
// the session is closed, `gone(info)` gives the answer. `rpc` as in UnaryCall.
template <typename Work, typename Gone>
grpc::ServerUnaryReactor* OnProcess(grpc::CallbackServerContext* context, SessionRegistry* sessions,
                                    const std::string& id_or_name, Work work, Gone gone,
                                    const char* rpc = __builtin_FUNCTION()) {
  auto located = sessions->FindProcess(id_or_name);
  if (!located.ok()) return Answer(context, located.status(), rpc);
  const UnaryCall call(context, rpc);
  absl::Status posted = absl::FailedPreconditionError("closed");
  if (const auto& session = located->session) {
    posted = session->Post([session, call, info = located->info, work = std::move(work)] {
      auto process = session->FindProcess(info->id);
      call.Finish(process.ok() ? work(*session, **process) : process.status());
    });
  }
  if (!posted.ok()) call.Finish(AnswerOfTable(sessions, located->info->id, gone));
  return call.reactor();
}

// As above, for work that may finish later: `work(session, process, answer)` finishes the answer.
template <typename Work, typename Gone>
grpc::ServerUnaryReactor* OnProcessLate(grpc::CallbackServerContext* context,
                                        SessionRegistry* sessions, const std::string& id_or_name,
                                        Work work, Gone gone,
                                        const char* rpc = __builtin_FUNCTION()) {
  auto located = sessions->FindProcess(id_or_name);
  if (!located.ok()) return Answer(context, located.status(), rpc);
  const std::string process_id = located->info->id;
  const UnaryCall call(context, rpc);
  const auto otherwise = [sessions, process_id, gone] {
    return AnswerOfTable(sessions, process_id, gone);
  };
  absl::Status posted = absl::FailedPreconditionError("closed");
  if (const auto& session = located->session) {
    posted = session->Post([session, call, process_id, work, otherwise] {
      auto process = session->FindProcess(process_id);
      auto answer = std::make_shared<LateAnswer>(call, otherwise);
      if (!process.ok()) return answer->Finish(process.status());
      work(*session, **process, answer);
    });
  }
  if (!posted.ok()) call.Finish(otherwise());
  return call.reactor();
}

}  // namespace proctor::server
