#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <functional>
#include <utility>

#include "server/gateway/call_set.h"
#include "server/http/error_json.h"
#include "server/http/http_thread.h"

namespace proctor::server::http {

// A call with one answer. Only .cc files include this: it shows gRPC.
//
// Thread-safety: the http thread. Lifetime: deletes itself when it is over.
template <typename Request, typename Response>
class UnaryRelay final : public Call {
 public:
  // Begins the RPC on the right stub; may give it another deadline than kPatience from now.
  using Starter = std::function<void(grpc::ClientContext*, const Request*, Response*,
                                     std::function<void(grpc::Status)>)>;
  // Gets the answer, on the http thread.
  using Done = std::function<void(const absl::Status&, Response&)>;

  static void Start(HttpThread* thread, CallSet* calls, Request request, const Starter& starter,
                    Done done) {
    auto* call = new UnaryRelay(thread, calls, std::move(request), std::move(done));
    calls->Add(call);
    starter(&call->context_, &call->request_, &call->response_, [call](grpc::Status status) {
      call->thread_->Post([call, status = std::move(status)] { call->End(status); });
    });
  }

  void Stop() override { context_.TryCancel(); }

 private:
  // The services answer at once; one that hangs must not hold the caller for ever.
  static constexpr std::chrono::seconds kPatience{10};

  UnaryRelay(HttpThread* thread, CallSet* calls, Request request, Done done)
      : thread_(thread), calls_(calls), request_(std::move(request)), done_(std::move(done)) {
    context_.set_deadline(std::chrono::system_clock::now() + kPatience);
  }
  ~UnaryRelay() = default;

  void End(const grpc::Status& status) {
    done_(FromGrpc(status), response_);
    calls_->Remove(this);
    delete this;
  }

  HttpThread* const thread_;
  CallSet* const calls_;
  const Request request_;
  const Done done_;
  grpc::ClientContext context_;
  Response response_;
};

}  // namespace proctor::server::http
