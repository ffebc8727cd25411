#pragma once

#include <grpcpp/support/status.h>

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/log/line_budget.h"

namespace proctor::server {

// Logs the calls that end with an error, one line each:
//
//   call refused rpc=StartProcess code=RESOURCE_EXHAUSTED reason=QUOTA_EXCEEDED by="…" message="…"
//
// At level warning what an operator should look at: the server could not, or would not let the
// caller. At level info mistakes of callers. At level debug what is no refusal: a wait that was
// over. A caller that went away is no line.
//
// Callers can cause these as often as they like, so each code has a LineBudget. Level debug has all
// lines.
//
// Thread-safety: any thread. Lifetime: any.
class Refusals {
 public:
  using Clock = std::function<absl::Time()>;
  explicit Refusals(Clock clock = absl::Now) : clock_(std::move(clock)) {}

  // Those of this process.
  static Refusals& Get();

  // Logs how a call ended, unless it ended well. `caller` is called for a line alone.
  void Note(const char* rpc, const grpc::Status& status,
            const std::function<std::string()>& caller);

  // Tells how many had no line and came before none that has one. Call now and then.
  void TellUntold();

 private:
  static constexpr size_t kCodes = 17;   // of gRPC, OK included
  static constexpr size_t kUnknown = 2;  // for a code that is none

  const Clock clock_;
  std::array<LineBudget, kCodes> budgets_;
};

}  // namespace proctor::server
