#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "server/access/process_action.h"
#include "server/gateway/call_set.h"
#include "server/http/exchange.h"
#include "server/http/http_thread.h"
#include "server/http/query.h"

namespace grpc {
class Channel;
}

namespace proctor::server::http {

// What can be done to a process. Each is a POST: its body is the JSON of a unary call's request,
// without the id; its answer is the JSON of the response, or of the error.
//
//   :stop :signal :restart :write :resize :remove
//
// A caller that goes away undoes nothing. AccessControl has checked the caller before. A body must
// be application/json, which no form of another site can send.
//
// Thread-safety: none; the http thread. Lifetime: `thread` and `calls` outlive it.
class Actions {
 public:
  using Answer = std::shared_ptr<Exchange>;

  // The caller.
  struct Actor {
    std::string caller;  // for the records
    // Returns the answer when the caller may not act any more; called once the body has come.
    std::function<std::optional<Response>()> refusal;
  };

  Actions(HttpThread* thread, CallSet* calls, const std::shared_ptr<grpc::Channel>& channel);
  ~Actions();

  // False where there is no such verb: nothing was answered.
  bool Do(const Request& request, ProcessAction action, Query query, Actor actor, Answer answer);

 private:
  struct Asked;
  struct Verb;
  struct Stub;

  static const Verb* FindVerb(const std::string& name);
  template <typename Request, typename Response, typename Method>
  void Call(const Asked& asked, Method method);

  HttpThread* const thread_;
  CallSet* const calls_;
  const std::unique_ptr<Stub> stub_;
};

}  // namespace proctor::server::http
