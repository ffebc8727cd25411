#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "core/fact/output_drained.h"
#include "core/output/output_log.h"
#include "core/output/output_pipe.h"
#include "proctor/event_loop.h"

namespace proctor {

// Our ends of a process's stdout and stderr, by OutputStream.
using OutputPipes = std::array<std::unique_ptr<OutputPipe>, kOutputStreams>;

// Tells when the output of a process that ended is complete, and why:
//
//   running ──Begin──▶ draining ──both pipes at their end───────────▶ over: kEof
//                         └──leftovers read, then the grace is over──▶ over: kGraceExpired
//
// What the process left in its pipes is read in any case. Others may hold them on, and write:
// they have the grace, and what they write after it is thrown away. Meanwhile it is found out
// which processes these are.
//
// Rejected: a timer alone. It would cut off the tail.
//
// Thread-safety: none; the thread of its loop.
// Lifetime: part of its process, which is the `owner` and is kept alive while this calls out.
class OutputDrain {
 public:
  struct Told {
    std::function<void()> over;           // once: there is a result
    std::function<void()> holders_found;  // the result names the holders of the pipes only now
  };

  // `log` and `pipes` outlive it. Of the newborns (NewbornGuard) those from before `newborn_mark`
  // may have the pipes until their exec.
  OutputDrain(EventLoop* loop, OutputLog* log, OutputPipes* pipes, absl::Duration grace,
              uint64_t newborn_mark, std::weak_ptr<const void> owner, Told told)
      : loop_(loop),
        log_(log),
        pipes_(*pipes),
        newborn_mark_(newborn_mark),
        owner_(std::move(owner)),
        told_(std::move(told)),
        grace_(grace) {}
  ~OutputDrain() { timer_.Cancel(); }
  OutputDrain(const OutputDrain&) = delete;
  OutputDrain& operator=(const OutputDrain&) = delete;

  // The process ended: reads what it left in the pipes, and marks the log. Tells nothing yet.
  void Begin();

  // To be called after Begin, and when a pipe has changed. Tells of the end within this call,
  // where it has come.
  void Check() {
    if (begun_ && !result_.has_value()) SeekEnd();
  }

  // Makes the grace no longer than `most`; one that has begun begins anew.
  void Shorten(absl::Duration most);

  // Empty until it is over.
  const std::optional<OutputDrained>& result() const { return result_; }

  // What it waits for, for people; empty before Begin and once it is over.
  std::string DebugString() const;

 private:
  bool AtEnd() const;
  void SeekEnd();
  void SeekHolders();
  void OnHolders(std::vector<PipeHolder> holders);
  void OnGraceOver();
  void Finish(DrainReason reason);

  EventLoop* const loop_;
  OutputLog* const log_;
  OutputPipes& pipes_;
  const uint64_t newborn_mark_;
  const std::weak_ptr<const void> owner_;
  const Told told_;

  absl::Duration grace_;
  bool begun_ = false;
  LoopHandle timer_;
  bool holders_sought_ = false;
  std::vector<PipeHolder> holders_;  // once they are found
  std::optional<OutputDrained> result_;
};

}  // namespace proctor
