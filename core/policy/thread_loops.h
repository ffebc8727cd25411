#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "proctor/event_loop.h"

namespace proctor {

// One loop for each thread (what asyncio keeps in a threading.local).
//
// A thread is known by a number that is given once and never again: the kernel gives
// the thread ids of ended threads to new ones, which must not find the loops of the
// dead.
//
// Thread-safety: all methods from any thread; Get and Set are about the calling one.
// Lifetime: always held by a shared_ptr. A slot is emptied when its thread ends.
class ThreadLoops : public std::enable_shared_from_this<ThreadLoops> {
 public:
  struct Slot {
    std::shared_ptr<EventLoop> loop;
    bool was_set = false;  // also to null
  };

  Slot Get() const;
  void Set(std::shared_ptr<EventLoop> loop);

  // The loops of all threads.
  std::vector<std::shared_ptr<EventLoop>> All() const;

  // Empties the slot of a thread that ends.
  void Forget(uint64_t thread);

 private:
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<uint64_t, Slot> slots_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor
