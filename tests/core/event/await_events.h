#pragma once

#include <functional>
#include <memory>

#include "absl/synchronization/mutex.h"
#include "core/event/event_log.h"

namespace proctor {

// Blocks until `reached` is true, asked at first and whenever listeners of the log are told.
inline void AwaitEvents(EventLog& log, const std::function<bool()>& reached) {
  struct Told {
    absl::Mutex mutex;
    int times ABSL_GUARDED_BY(mutex) = 0;
  };
  const auto told = std::make_shared<Told>();  // the listener may be called after its removal
  const uint64_t listener = log.AddListener([told] {
    absl::MutexLock lock(&told->mutex);
    ++told->times;
  });
  for (int seen = 0; !reached();) {
    absl::MutexLock lock(&told->mutex);
    const auto more = [&] {
      told->mutex.AssertReaderHeld();
      return told->times != seen;
    };
    told->mutex.Await(absl::Condition(&more));
    seen = told->times;
  }
  log.RemoveListener(listener);
}

}  // namespace proctor
