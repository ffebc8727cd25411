#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "core/wait/exit_poller.h"
#include "core/wait/watch_table.h"
#include "proctor/unique_fd.h"

namespace proctor {

// One thread of this process that waits for children on behalf of code without a loop to wait on:
// the Threaded and MultiLoop watchers, the Pidfd and Uring ones when out of descriptors, and the
// reaping of orphans. It is made on first use and stays.
//
// A thread for each child, as asyncio's ThreadedChildWatcher has it, makes the kernel
// wake all of them at every exit; that is left for where there are no pidfds.
//
// Thread-safety: all methods from any thread.
class ExitThread {
 public:
  static ExitThread& Get();

  // Makes what it waits with, if that is not there yet.
  // Errors: ResourceExhausted (OUT_OF_DESCRIPTORS, OUT_OF_THREADS); a later call may
  // have more luck.
  absl::Status Start();

  // How a child is waited for that has no pidfd.
  enum class Without {
    kThread,   // by a thread of its own
    kSigchld,  // by a look at each SIGCHLD; the caller has a SigchldListener
  };

  // Told of a child's end, on the thread, or on that of the caller if the child has
  // ended or is none. It does not block.
  using OnEnded = std::function<void(const std::shared_ptr<Watch>&, const ChildLook&)>;

  // Waits for a child, and leaves it a zombie.
  // Errors: ResourceExhausted (OUT_OF_THREADS).
  absl::Status Await(const std::shared_ptr<Watch>& watch, Without without, OnEnded on_ended);

  // Await, and posts the end to the watch's loop.
  absl::Status AwaitAndPost(const std::shared_ptr<WatchTable>& table,
                            const std::shared_ptr<Watch>& watch, Without without);

  // Ends that. OnEnded may be under way, or still come.
  void Forget(const std::shared_ptr<Watch>& watch);

  // For SigchldListener.
  uint64_t AddSignalListener(std::function<void()> on_signal);
  void RemoveSignalListener(uint64_t id);
  // -1 until Start succeeded.
  int wake_descriptor() const;
  // Makes the thread look at children without a pidfd and tell the listeners.
  // Async-signal-safe; nothing for -1.
  static void Wake(int wake_descriptor);

 private:
  // The descriptors of the thread: made together, constant once it runs.
  struct Waiting {
    UniqueFd epoll;
    UniqueFd wake;
    std::unique_ptr<ExitPoller> poller;
  };

  ExitThread() = default;
  ~ExitThread() = delete;  // its thread ends with the process

  static absl::StatusOr<std::unique_ptr<Waiting>> MakeWaiting();
  // Null until Start succeeded.
  const Waiting* waiting() const { return waiting_.load(std::memory_order_acquire); }
  absl::Status AwaitOnThread(const std::shared_ptr<Watch>& watch);
  void Run(const Waiting& waiting);
  void Tell(const std::shared_ptr<Watch>& watch, const ChildLook& look);
  void TellSignalListeners();

  std::atomic<const Waiting*> waiting_ = nullptr;  // owned; never freed, as the thread

  absl::Mutex mutex_;
  absl::flat_hash_map<std::shared_ptr<Watch>, OnEnded> waits_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_listener_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<uint64_t, std::function<void()>> listeners_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor
