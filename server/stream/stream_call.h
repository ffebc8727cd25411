#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proctor/error.h"
#include "server/call/refusals.h"
#include "server/call/rpc_caller.h"
#include "server/call/session_strand.h"
#include "server/stream/past_stream.h"
#include "server/stream/process_feed.h"
#include "server/wire/status.h"

namespace proctor::server {

// The common part of the three kinds of streams about a process: a strand, a ProcessFeed, and the
// buffer of the response. `Reactor` is the gRPC class.
//
// Thread-safety: gRPC calls the reactions; everything else is on the strand.
// Lifetime: deletes itself when the RPC is over, on the strand.
template <typename Reactor, typename Response>
class StreamCall : public Reactor, protected StreamTransport {
 public:
  explicit StreamCall(CallLabel label) : label_(std::move(label)), stream_(this), past_(this) {}

  void OnWriteDone(bool ok) noexcept override {
    if (past_.begun()) return past_.OnWritten(ok);
    strand_.Post([this, ok] { stream_.OnWritten(ok); });
  }

  void OnCancel() noexcept override {
    past_.OnCancelled();
    strand_.PostCancelled([this] { stream_.OnCancelled(); });
  }

  void OnDone() noexcept override {
    const bool posted = strand_.Post([this] {
      stream_.End();
      delete this;
    });
    if (!posted) delete this;
  }

 protected:
  v1::StreamMessage* outgoing() override { return response_.mutable_message(); }
  void StartWriting() override { this->StartWrite(&response_); }
  void StartWritingLast() override {
    this->StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
  }
  void Finish(const grpc::Status& status) override {
    Refusals::Get().Note(label_.rpc, status, [this] { return label_.caller; });
    Reactor::Finish(status);
  }
  void ReadNext() override {}

  // As SessionStrand::Enter; the session lists the call with its stream.
  absl::Status Enter(const std::shared_ptr<SessionContext>& session,
                     absl::AnyInvocable<void(bool cancelled)> begin) {
    return strand_.Enter(
        session, [this] { return absl::StrCat(label_.DebugString(), ": ", stream_.DebugString()); },
        std::move(begin));
  }

  // Ends an RPC that has no strand. On the thread of the first reaction.
  void Refuse(const absl::Status& status) { Finish(wire::ToGrpc(status)); }

  const CallLabel label_;
  SessionStrand strand_;
  ProcessFeed stream_;
  PastStream past_;  // in place of these two when no session has the process
  Response response_;
};

// A stream with requests from the caller, too. The derived class handles the first request, and the
// later ones.
template <typename Request, typename Response>
class BidiStreamCall : public StreamCall<grpc::ServerBidiReactor<Request, Response>, Response> {
 public:
  explicit BidiStreamCall(CallLabel label)
      : StreamCall<grpc::ServerBidiReactor<Request, Response>, Response>(std::move(label)) {
    this->StartRead(&request_);
  }

  void OnReadDone(bool ok) noexcept override {
    if (!std::exchange(first_seen_, true)) return First(ok);
    this->strand_.Post([this, ok] {
      if (!ok) return this->stream_.OnInputEnd();
      Later();
    });
  }

 protected:
  // Takes the first request: enters the strand, or refuses.
  virtual void BeginWith(Request& request) = 0;

  void ReadNext() override { this->StartRead(&request_); }

 private:
  void First(bool ok) {
    if (ok) return BeginWith(request_);
    this->Refuse(InvalidField("request", "the stream ended before its first request"));
  }

  void Later() {
    if (!request_.has_input()) {
      return this->stream_.Fail(
          InvalidField("request", "after the first request of a stream there can only be `input`"));
    }
    this->stream_.OnInput(std::move(*request_.mutable_input()));
  }

  Request request_;
  bool first_seen_ = false;  // reads follow one another
};

}  // namespace proctor::server
