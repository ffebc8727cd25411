#include "core/policy/thread_loops.h"

#include <atomic>
#include <utility>

namespace proctor {
namespace {

uint64_t ThisThread() {
  static std::atomic<uint64_t> last = 0;
  thread_local const uint64_t number = ++last;
  return number;
}

// Empties the slots of its thread when the thread ends.
class ThreadEnd {
 public:
  ~ThreadEnd() {
    over = true;
    const auto used = std::exchange(used_, {});
    for (const auto& weak : used) {
      if (auto loops = weak.lock()) loops->Forget(ThisThread());
    }
  }

  // Makes the end of this thread empty its slot in `loops`.
  static void Expect(const std::weak_ptr<ThreadLoops>& loops) {
    if (over) return;  // another thread_local's end: the slot stays until its owner goes
    thread_local ThreadEnd end;
    std::erase_if(end.used_, [](const auto& weak) { return weak.expired(); });
    end.used_.push_back(loops);
  }

 private:
  // Apart, because it is still read when the object is gone.
  static thread_local bool over;

  std::vector<std::weak_ptr<ThreadLoops>> used_;
};

thread_local bool ThreadEnd::over = false;

}  // namespace

ThreadLoops::Slot ThreadLoops::Get() const {
  absl::MutexLock lock(&mutex_);
  const auto it = slots_.find(ThisThread());
  return it == slots_.end() ? Slot{} : it->second;
}

void ThreadLoops::Set(std::shared_ptr<EventLoop> loop) {
  Slot slot{std::move(loop), true};
  bool known;
  {
    absl::MutexLock lock(&mutex_);
    Slot& place = slots_[ThisThread()];
    known = place.was_set;
    std::swap(place, slot);  // the loop before may end with it, after the lock
  }
  if (!known) ThreadEnd::Expect(weak_from_this());
}

std::vector<std::shared_ptr<EventLoop>> ThreadLoops::All() const {
  std::vector<std::shared_ptr<EventLoop>> loops;
  absl::MutexLock lock(&mutex_);
  for (const auto& [thread, slot] : slots_) {
    if (slot.loop != nullptr) loops.push_back(slot.loop);
  }
  return loops;
}

void ThreadLoops::Forget(uint64_t thread) {
  Slot slot;
  absl::MutexLock lock(&mutex_);
  const auto it = slots_.find(thread);
  if (it == slots_.end()) return;
  slot = std::move(it->second);
  slots_.erase(it);
}

}  // namespace proctor
