#pragma once

#include <functional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace proctor::client {

struct CallOptions {
  // How long to wait for an answer. No call's deadline ends a process.
  absl::Duration timeout = absl::InfiniteDuration();
};

// One unary RPC, bound to a server: called like a function, it blocks until there is an answer.
//
// Thread-safe. Client makes it and has it; it lives as long as the stubs of that.
template <typename Request, typename Response>
class Rpc {
 public:
  using Call = std::function<absl::StatusOr<Response>(const Request&, const CallOptions&)>;

  explicit Rpc(Call call) : call_(std::move(call)) {}

  // The response, or why there is none: the errors by code and reason stand in the contract, at the
  // RPC of the same name. One that IsUnreachable (client/connection/error.h) leaves open whether
  // the server acted; RPCs with a request_id or an offset can be repeated.
  absl::StatusOr<Response> operator()(const Request& request,
                                      const CallOptions& options = {}) const {
    return call_(request, options);
  }

 private:
  const Call call_;
};

}  // namespace proctor::client
