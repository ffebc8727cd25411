#pragma once

#include <functional>

#include "absl/time/time.h"
#include "server/http/frame_source.h"
#include "server/http/http_thread.h"

namespace proctor::server::http {

// Whoever watches one stream: takes its frames in turn, one write at a time, and gets a
// heartbeat when nothing was written for a while, by which both ends see that the
// connection lives. A viewer that may have no more gets none of it, and ends.
//
// Order: Begin; OnWritten after each write; then `finish` is called after the last frame, or
// the connection's end is told by OnGone. Nothing after either.
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
  FrameSource* source_;  // null once it said its last, or was ended
  Timer silence_;
  bool writing_ = false;
  bool asked_ = false;  // the source owes a frame
  Frame next_;          // waits for the write that is under way
  Frame last_;          // comes after it
};

}  // namespace proctor::server::http
