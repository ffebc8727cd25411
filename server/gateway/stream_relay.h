#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <memory>
#include <utility>

#include "proctor/error.h"
#include "server/gateway/call_set.h"
#include "server/http/error_json.h"
#include "server/http/frame_source.h"
#include "server/http/http_thread.h"

namespace proctor::server::http {

// A streaming call for one viewer. `Frames` turns its messages into frames (EventFrames,
// OutputFrames). Only .cc files include this: it shows gRPC.
//
// It reads only when the viewer has taken the frame before. What a slow viewer does not take stays
// with the service, where the write goes on until then. Such a call may end while no read is out,
// so a *hold* keeps gRPC from ending it until we ask for no more:
//
//   http thread                 gRPC
//   Begin: AddHold, StartCall
//   Next: StartRead ──────────▶
//          ◀──────── Post ───── OnReadDone(true)        a message: OnFrame
//          ◀──────── Post ───── OnReadDone(false)       the end: RemoveHold
//   Cancel: TryCancel ────────▶                         no read is out: RemoveHold
//          ◀──────── Post ───── OnDone(status)          OnLastFrame, delete
//
// Thread-safety: gRPC calls the reactions, which only post; all else is the http thread.
// Lifetime: deletes itself after OnDone.
template <typename Request, typename Frames>
class StreamRelay final : public grpc::ClientReadReactor<typename Frames::Message>,
                          public FrameSource,
                          public Call {
 public:
  // Begins the RPC on the right stub: (context, request, reactor).
  using Starter = std::function<void(grpc::ClientContext*, const Request*, StreamRelay*)>;

  StreamRelay(HttpThread* thread, CallSet* calls, Request request, Frames frames, Starter starter)
      : thread_(thread),
        calls_(calls),
        request_(std::move(request)),
        starter_(std::move(starter)),
        frames_(std::move(frames)) {}

  void Begin(FrameSink* sink) override {
    begun_ = true;
    sink_ = sink;
    calls_->Add(this);
    starter_(&context_, &request_, this);
    holding_ = true;
    this->AddHold();
    this->StartCall();
  }

  void Next() override {
    if (!holding_) return;  // the end is on its way
    reading_ = true;
    this->StartRead(&message_);
  }

  void Cancel() override {
    if (!begun_) return delete this;  // gRPC has nothing of it
    sink_ = nullptr;
    context_.TryCancel();
    if (!reading_) LetGo();
  }

  void Stop() override {
    if (sink_ == nullptr) return;
    EndSink(
        MakeError(absl::StatusCode::kUnavailable, Reason::kServerDraining, "the server shut down"));
    Cancel();
  }

  void OnReadDone(bool ok) noexcept override {
    thread_->Post([this, ok] { OnRead(ok); });
  }

  void OnDone(const grpc::Status& status) noexcept override {
    thread_->Post([this, status] {
      if (sink_ != nullptr) EndSink(FromGrpc(status));
      calls_->Remove(this);
      delete this;
    });
  }

 private:
  ~StreamRelay() override = default;

  void OnRead(bool ok) {
    reading_ = false;
    if (!ok || sink_ == nullptr) return LetGo();
    if (Frame frame = frames_.Render(message_)) {
      sink_->OnFrame(std::move(frame));
    } else {
      Next();
    }
  }

  void EndSink(const absl::Status& status) {
    // A service gives up a stream that takes nothing for long. Without a last frame the viewer
    // connects again, and goes on where it was.
    const bool given_up = status.code() == absl::StatusCode::kCancelled;
    std::exchange(sink_, nullptr)
        ->OnLastFrame(given_up ? nullptr
                               : std::make_shared<const std::string>(frames_.Last(status)));
  }

  void LetGo() {
    if (std::exchange(holding_, false)) this->RemoveHold();
  }

  HttpThread* const thread_;
  CallSet* const calls_;
  const Request request_;
  const Starter starter_;

  // The http thread; `message_` is gRPC's while reading_.
  grpc::ClientContext context_;
  Frames frames_;
  typename Frames::Message message_;
  FrameSink* sink_ = nullptr;  // null once it has had the end, or left
  bool begun_ = false;
  bool reading_ = false;
  bool holding_ = false;
};

}  // namespace proctor::server::http
