#include "server/log/log_writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"

namespace proctor::server {
namespace {

// What a queued line costs beside its text.
constexpr size_t kLineCost = sizeof(std::string);

// Blocks until all is written; false after an error, which has no place to be reported.
bool WriteAll(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {  // others made the open file non-blocking
      pollfd room = {descriptor, POLLOUT, 0};
      (void)::poll(&room, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace

struct LogWriter::State {
  State(int descriptor, LossLine loss_line, size_t max_bytes)
      : descriptor(descriptor), loss_line(std::move(loss_line)), max_bytes(max_bytes) {}

  void Run();
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mutex) {
    return closing || !lines.empty() || tell_loss;
  }

  const int descriptor;
  const LossLine loss_line;
  const size_t max_bytes;
  std::atomic<bool> idle{true};

  absl::Mutex mutex;
  std::deque<std::string> lines ABSL_GUARDED_BY(mutex);
  size_t bytes ABSL_GUARDED_BY(mutex) = 0;
  uint64_t lost ABSL_GUARDED_BY(mutex) = 0;
  // There are lost lines, and something happened since the last failed try to report them.
  bool tell_loss ABSL_GUARDED_BY(mutex) = false;
  uint64_t steps ABSL_GUARDED_BY(mutex) = 0;  // of the thread
  bool closing ABSL_GUARDED_BY(mutex) = false;
  bool done ABSL_GUARDED_BY(mutex) = false;
};

void LogWriter::State::Run() {
  pthread_setname_np(pthread_self(), "log");
  absl::MutexLock lock(&mutex);
  while (true) {
    idle = lines.empty() && !tell_loss;
    mutex.Await(absl::Condition(this, &State::HasWork));
    uint64_t told = 0;
    std::string line;
    if (!lines.empty()) {
      line = std::move(lines.front());
      lines.pop_front();
    } else if (tell_loss) {
      tell_loss = false;
      told = std::exchange(lost, 0);
    } else {
      done = true;
      return;
    }
    const size_t cost = told == 0 ? line.size() + kLineCost : 0;
    mutex.Unlock();
    if (told != 0) line = loss_line(told);
    const bool written = WriteAll(descriptor, line);
    mutex.Lock();
    bytes -= cost;
    ++steps;
    // Reported when the next line comes: a descriptor that takes nothing is not tried again and
    // again.
    if (!written) lost += std::max<uint64_t>(told, 1);
  }
}

LogWriter::LogWriter(int descriptor, LossLine loss_line, const Options& options)
    : options_(options),
      state_(std::make_shared<State>(descriptor, std::move(loss_line), options.max_bytes)),
      thread_([state = state_] { state->Run(); }) {}

LogWriter::~LogWriter() { (void)Finish(); }

void LogWriter::Write(std::string line) {
  const size_t cost = line.size() + kLineCost;
  absl::MutexLock lock(&state_->mutex);
  state_->idle = false;
  if (state_->lost > 0 || state_->bytes + cost > state_->max_bytes) {
    ++state_->lost;
    state_->tell_loss = true;
    return;
  }
  state_->bytes += cost;
  state_->lines.push_back(std::move(line));
}

bool LogWriter::Finish() {
  if (!thread_.joinable()) return true;
  bool done = false;
  {
    absl::MutexLock lock(&state_->mutex);
    state_->closing = true;
    const absl::Time deadline = absl::Now() + options_.longest;
    uint64_t seen = 0;
    const auto moved = [this, &seen]() ABSL_SHARED_LOCKS_REQUIRED(state_->mutex) {
      return state_->done || state_->steps != seen;
    };
    do {
      seen = state_->steps;
    } while (!state_->done &&
             state_->mutex.AwaitWithDeadline(absl::Condition(&moved),
                                             std::min(deadline, absl::Now() + options_.patience)));
    done = state_->done;
  }
  if (done) {
    thread_.join();
  } else {
    thread_.detach();
  }
  return done;
}

bool LogWriter::IsIdle() const { return state_->idle; }

}  // namespace proctor::server
