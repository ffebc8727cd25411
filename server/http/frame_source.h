#pragma once

#include "server/http/http_message.h"

namespace proctor::server::http {

// The two ends of an endless answer. The source is a call to a service, the sink is a viewer. Each
// knows only this of the other, so that each can be tested alone.
//
//   sink                     source
//   Begin(sink) ───────────▶ starts the call
//   Next() ────────────────▶ reads one message
//          ◀──────────────── OnFrame(frame)           again and again: never two frames at
//   Next() ────────────────▶                          once, so a slow viewer costs one
//          ◀──────────────── OnLastFrame(frame)       or else
//   Cancel() ──────────────▶ ends the call
//
// After OnLastFrame or Cancel neither end touches the other.
//
// Thread-safety: none; the http thread. No method calls back before it returns, with two
// exceptions: OnLastFrame may call what ends the sink, and OnFrame may call Cancel.

class FrameSink {
 public:
  // The answer to Next.
  virtual void OnFrame(Frame frame) = 0;
  // Instead of OnFrame, or at any time when the server stops. Null: there is no last frame.
  virtual void OnLastFrame(Frame frame) = 0;

 protected:
  ~FrameSink() = default;
};

// Lifetime: deletes itself, some time after the last frame or Cancel. Cancel is allowed
// without Begin.
class FrameSource {
 public:
  virtual void Begin(FrameSink* sink) = 0;
  virtual void Next() = 0;
  virtual void Cancel() = 0;

 protected:
  ~FrameSource() = default;
};

}  // namespace proctor::server::http
