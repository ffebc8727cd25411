#pragma once

#include <memory>
#include <string>

#include "server/gateway/call_set.h"
#include "server/http/exchange.h"
#include "server/http/http_thread.h"
#include "server/http/query.h"

namespace grpc {
class Channel;
}

namespace proctor::server::http {

// What can be read at once. Each answers with the JSON of one unary call, or with its error.
//
// Thread-safety: none; the http thread. Lifetime: `thread` and `calls` outlive it.
class Resources {
 public:
  using Answer = std::shared_ptr<Exchange>;

  Resources(HttpThread* thread, CallSet* calls, const std::shared_ptr<grpc::Channel>& channel);
  ~Resources();

  void GetServer(Query query, Answer answer);
  void DumpState(Query query, Answer answer);
  void ListSessions(Query query, Answer answer);
  void GetSession(const std::string& id, Query query, Answer answer);
  void ListProcesses(Query query, Answer answer);
  void GetUsage(Query query, Answer answer);
  void GetProcess(const std::string& id, Query query, Answer answer);

 private:
  struct Stubs;

  HttpThread* const thread_;
  CallSet* const calls_;
  const std::unique_ptr<Stubs> stubs_;
};

}  // namespace proctor::server::http
