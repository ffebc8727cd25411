#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "proctor/event_loop.h"

namespace proctor {

// Calls all listeners one turn after something happened, once for all that happens in a turn:
// none is called from within its own call.
//
// Thread-safety: none; the thread of its loop.
// Lifetime: part of the `owner`, which is kept alive while listeners are called.
class ListenerList {
 public:
  using Listener = std::function<void()>;

  ListenerList(EventLoop* loop, const std::shared_ptr<const void>& owner)
      : loop_(loop), self_(std::shared_ptr<ListenerList>(owner, this)) {}
  ListenerList(const ListenerList&) = delete;
  ListenerList& operator=(const ListenerList&) = delete;

  // Returns its number. They are called in the order in which they came.
  uint64_t Add(Listener listener) {
    listeners_.emplace(++last_id_, std::make_shared<Listener>(std::move(listener)));
    return last_id_;
  }
  // Also from within a call: the listener is then not called any more. An unknown id is not an
  // error.
  void Remove(uint64_t id) { listeners_.erase(id); }

  void Notify() {
    if (scheduled_ || listeners_.empty()) return;
    scheduled_ = true;
    loop_->CallSoon([weak = self_] {
      if (const auto self = weak.lock()) self->Call();
    });
  }

 private:
  void Call() {
    scheduled_ = false;
    const uint64_t last = last_id_;  // those that come meanwhile are called the next time
    for (auto next = listeners_.begin(); next != listeners_.end() && next->first <= last;) {
      const uint64_t id = next->first;
      const std::shared_ptr<Listener> listener = next->second;
      (*listener)();
      next = listeners_.upper_bound(id);  // it may have removed itself, and others
    }
  }

  EventLoop* const loop_;
  const std::weak_ptr<ListenerList> self_;  // lives as long as the owner
  uint64_t last_id_ = 0;
  std::map<uint64_t, std::shared_ptr<Listener>> listeners_;
  bool scheduled_ = false;
};

}  // namespace proctor
