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
// Thread-safe. Client makes and owns it; it lives as long as the client's stubs.
template <typename Request, typename Response>
class Rpc {
 public:
  using Call = std::function<absl::StatusOr<Response>(const Request&, const CallOptions&)>;

  explicit Rpc(Call call) : call_(std::move(call)) {}

  // Returns the response, or why there is none: the contract lists the errors by code and reason,
  // at the RPC of the same name. After an error that IsUnreachable (proctor/client/error.h) the
  // server may have acted or not; RPCs with a request_id or an offset can be repeated.
  absl::StatusOr<Response> operator()(const Request& request,
                                      const CallOptions& options = {}) const {
    return call_(request, options);
  }

 private:
  const Call call_;
};

}  // namespace proctor::client
