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

// Reports to the user output that the server no longer has.
//
// A followed flood makes a gap with nearly each message. So it joins gaps that follow one another,
// and prints at most one line a second. It counts what is missing meanwhile, and reports it with
// the next line, at the end, or from a thread of its own once the stream has been silent for a
// second.
//
// Used by one thread, which reads the stream. It may call `say` on another thread, but never twice
// at a time.
class GapReport {
 public:
  // `say` prints a line; `now` is another clock for tests. The stream counts as silent after
  // `silence`.
  explicit GapReport(std::function<void(const std::string&)> say,
                     std::function<absl::Time()> now = absl::Now,
                     absl::Duration silence = absl::Seconds(1))
      : say_(std::move(say)), now_(std::move(now)), silence_(silence) {}
  GapReport(const GapReport&) = delete;
  GapReport& operator=(const GapReport&) = delete;
  ~GapReport();

  // Takes every message of the stream, before its data is shown.
  void OnMessage(const v1::StreamMessage& message) ABSL_LOCKS_EXCLUDED(mutex_);

  // The stream is over: reports what is left.
  void Finish() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Tell() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void BeginToListen();
  // Reports what is left when the stream falls silent.
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
  std::map<v1::Stream, uint64_t> missing_ ABSL_GUARDED_BY(mutex_);  // bytes not reported yet
  // Some of them are missing before a message that has come since.
  bool shown_since_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Time told_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  uint64_t messages_ ABSL_GUARDED_BY(mutex_) = 0;
  // Of those, when the listener looked last.
  uint64_t heard_ ABSL_GUARDED_BY(mutex_) = 0;
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace proctor::cli
