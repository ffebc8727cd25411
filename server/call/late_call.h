#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "server/call/refusals.h"
#include "server/call/rpc_caller.h"
#include "server/call/session_strand.h"
#include "server/wire/status.h"

namespace proctor::server {

// A unary RPC that is answered later: once, on the strand, or when the caller has gone away first.
// Only .cc files include this: it shows gRPC.
//
// Thread-safety: gRPC calls the reactions; everything else is on the strand.
// Lifetime: deletes itself when the RPC is over, on the strand.
class LateCall : public grpc::ServerUnaryReactor {
 public:
  explicit LateCall(CallLabel label) : label_(std::move(label)) {}

  void OnCancel() noexcept override {
    strand_.PostCancelled(
        [this] { Answer(grpc::Status(grpc::StatusCode::CANCELLED, "the caller went away")); });
  }

  void OnDone() noexcept override {
    const bool posted = strand_.Post([this] { delete this; });
    if (!posted) delete this;
  }

 protected:
  // As SessionStrand::Enter; the session lists the call by its DebugString.
  absl::Status Enter(const std::shared_ptr<SessionContext>& session,
                     absl::AnyInvocable<void(bool cancelled)> begin) {
    return strand_.Enter(
        session, [this] { return DebugString(); }, std::move(begin));
  }

  // The call and what it waits for, on one line. On the strand.
  virtual std::string DebugString() const = 0;

  // Ends the RPC; only the first call counts. On the strand, or before there is one.
  void Answer(const grpc::Status& status) {
    if (std::exchange(answered_, true)) return;
    OnAnswered();
    Refusals::Get().Note(label_.rpc, status, [this] { return label_.caller; });
    Finish(status);
  }
  void Answer(const absl::Status& status) { Answer(wire::ToGrpc(status)); }
  bool answered() const { return answered_; }

  // Withdraws what this call asked of other objects.
  virtual void OnAnswered() = 0;

  const CallLabel& label() const { return label_; }

 private:
  SessionStrand strand_;
  const CallLabel label_;
  bool answered_ = false;
};

}  // namespace proctor::server
