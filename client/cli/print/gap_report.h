#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "proctor/v1/process_service.pb.h"

namespace proctor::cli {

// Tells the user, on stderr, of output that the server no longer has.
//
// A flood that is followed makes a gap with nearly each message. So gaps that follow one another
// are told as one, and no more than one line comes in a second: what is missing meanwhile is
// counted, and told with the next line, at the end, or by a thread of its own once the stream has
// been silent for a second.
//
// Called by one thread, which reads the stream. `say` may be called on another one, but not twice
// at a time.
class GapReport {
 public:
  // `say` prints a line; `now` is another clock for tests. Nothing is told out of `silence`.
  explicit GapReport(std::function<void(const std::string&)> say,
                     std::function<absl::Time()> now = absl::Now,
                     absl::Duration silence = absl::Seconds(1))
      : say_(std::move(say)), now_(std::move(now)), silence_(silence) {}
  GapReport(const GapReport&) = delete;
  GapReport& operator=(const GapReport&) = delete;
  ~GapReport();

  // Every message of the stream, before its data is shown.
  void OnMessage(const v1::StreamMessage& message) ABSL_LOCKS_EXCLUDED(mutex_);

  // The stream is over: tells what is untold.
  void Finish() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Tell() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void BeginToListen();
  // Tells what nobody has told when the stream falls silent.
  void Listen() ABSL_LOCKS_EXCLUDED(mutex_);
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return over_ || !missing_.empty(); }

  // Constant.
  const std::function<void(const std::string&)> say_;
  const std::function<absl::Time()> now_;
  const absl::Duration silence_;

  // The thread that reads. From the first gap on.
  std::thread listener_;

  // Guarded.
  absl::Mutex mutex_;
  std::map<v1::Stream, uint64_t> missing_ ABSL_GUARDED_BY(mutex_);  // bytes that are not told yet
  // Some of them are missing before a message that has come since.
  bool shown_since_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Time told_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  uint64_t messages_ ABSL_GUARDED_BY(mutex_) = 0;
  // Of those, when the listener looked last.
  uint64_t heard_ ABSL_GUARDED_BY(mutex_) = 0;
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace proctor::cli
