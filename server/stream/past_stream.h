#pragma once

#include <atomic>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/registry/session_registry.h"
#include "proctor/v1/process_service.pb.h"
#include "server/stream/output_pump.h"
#include "server/stream/stream_transport.h"

namespace proctor::server {

// One stream about a process without a session: closed, or of an earlier server. It sends what a
// ProcessFeed would, from what is kept. It takes no input.
//
// There is no strand, because there is no session. A thread of the registry reads what is kept;
// after that, nothing else touches this between two reactions of the RPC. The first of the
// reading's end and a cancellation takes the stream and goes on: a disk that hangs holds up no
// cancelled call.
//
//   gRPC thread ── Begin ──▶ registry's thread ── first write ──▶ gRPC thread ── OnWritten ──▶ …
//                              └── OnCancelled ──▶ Finish
//
// Thread-safety: as said; OnCancelled from any thread.
// Lifetime: a part of the RPC's reactor, which goes after the transport's Finish; the registry
// waits for that.
class PastStream {
 public:
  explicit PastStream(StreamTransport* transport) : transport_(transport) {}
  ~PastStream() {
    if (begun()) sessions_->RemovePastReader();
  }
  PastStream(const PastStream&) = delete;
  PastStream& operator=(const PastStream&) = delete;

  // Begins to serve `info` from a position. Once; the RPC is finished later, whatever happens.
  void Begin(SessionRegistry* sessions, std::shared_ptr<const ProcessInfo> info,
             v1::OutputPosition from, OutputPump::Options options);

  // Whether the RPC is this stream's.
  bool begun() const { return info_ != nullptr; }

  // Reactions.
  void OnWritten(bool ok);
  void OnCancelled();

 private:
  using Output = SessionRegistry::PastOutput;
  // The reading, which may outlast this.
  struct Reading {
    std::atomic<PastStream*> stream;  // waits for it; null once taken

    // Returns the stream to the first caller; null to the other.
    PastStream* Take() { return stream.exchange(nullptr); }
  };

  void OnRead(absl::StatusOr<Output> output);
  void FinishCancelled();
  absl::StatusOr<OutputCursor> Locate() const;
  void WriteNext();
  enum class Next { kMessage, kNothing, kEnd };
  Next NextOutput(v1::StreamMessage* message);

  StreamTransport* const transport_;
  absl::Mutex mutex_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<Reading> reading_ ABSL_GUARDED_BY(mutex_);  // once it has begun
  SessionRegistry* sessions_ = nullptr;
  std::shared_ptr<const ProcessInfo> info_;
  v1::OutputPosition from_;
  OutputPump::Options options_;
  Output output_;
  OutputCursor cursor_;
  bool started_told_ = false;
};

}  // namespace proctor::server
