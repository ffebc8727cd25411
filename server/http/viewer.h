#pragma once

#include <functional>

#include "absl/time/time.h"
#include "server/http/frame_source.h"
#include "server/http/http_thread.h"

namespace proctor::server::http {

// One watched stream of a connection. Takes its frames in turn, one write at a time. Writes a
// heartbeat when nothing was written for a while, so that both ends see that the connection lives.
// Ends without another frame when the caller may have no more.
//
// Order: Begin; OnWritten after each write; then either this calls `finish` after the last frame,
// or the connection calls OnGone at its end. Nothing after either.
//
// Thread-safety: none; the http thread. Lifetime: a part of its connection; ends the
// source when it goes.
class Viewer final : public FrameSink {
 public:
  struct Connection {
    std::function<void(Frame)> write;  // answered by OnWritten
    std::function<void()> finish;      // everything was written
    std::function<bool()> allowed;     // whether the caller may have more; empty: it may
  };

  Viewer(HttpThread* thread, absl::Duration heartbeat, FrameSource* source, Connection connection);
  ~Viewer();
  Viewer(const Viewer&) = delete;
  Viewer& operator=(const Viewer&) = delete;

  // Writes the head of the answer, and begins the source.
  void Begin(Frame head);
  void OnWritten();
  void OnGone();

  void OnFrame(Frame frame) override;
  void OnLastFrame(Frame frame) override;

 private:
  bool IsAllowed() const;
  void Write(Frame frame);
  void OnSilence();

  const absl::Duration heartbeat_;
  const Connection connection_;
  FrameSource* source_;  // null once it has ended
  Timer silence_;
  bool writing_ = false;
  bool asked_ = false;  // the source owes a frame
  Frame next_;          // waits for the write that is under way
  Frame last_;          // comes after it
};

}  // namespace proctor::server::http
