#include "client/cli/select/all_at_once.h"

#include <algorithm>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace proctor::cli {
namespace {

// Which pieces are taken, and which are finished.
class Progress {
 public:
  explicit Progress(size_t count) : finished_(count, false) {}

  // The next piece that no thread has; the count when there is none.
  size_t Take() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return next_ < finished_.size() ? next_++ : finished_.size();
  }

  void Finish(size_t index) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    finished_[index] = true;
  }

  void Await(size_t index) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    awaited_ = index;
    mutex_.Await(absl::Condition(this, &Progress::IsFinished));
  }

 private:
  bool IsFinished() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return finished_[awaited_]; }

  absl::Mutex mutex_;
  std::vector<bool> finished_ ABSL_GUARDED_BY(mutex_);
  size_t next_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t awaited_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace

void AllAtOnce(size_t count, const std::function<void(size_t)>& work,
               const std::function<void(size_t)>& done) {
  if (count == 1) {
    work(0);
    done(0);
    return;
  }
  Progress progress(count);
  std::vector<std::thread> threads;
  threads.reserve(std::min(count, kMostAtOnce));
  for (size_t i = 0; i < std::min(count, kMostAtOnce); ++i) {
    try {
      threads.emplace_back([&] {
        for (size_t index = progress.Take(); index < count; index = progress.Take()) {
          work(index);
          progress.Finish(index);
        }
      });
    } catch (const std::system_error&) {
      // There can be no more threads: those that there are do all of it.
      break;
    }
  }
  if (threads.empty()) {
    for (size_t index = 0; index < count; ++index) {
      work(index);
      done(index);
    }
    return;
  }
  for (size_t index = 0; index < count; ++index) {
    progress.Await(index);
    done(index);
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace proctor::cli
