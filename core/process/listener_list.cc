#include "core/process/listener_list.h"

namespace proctor {

uint64_t ListenerList::Add(Listener listener) {
  listeners_.emplace(++last_id_, std::make_shared<Listener>(std::move(listener)));
  return last_id_;
}

void ListenerList::Notify() {
  if (scheduled_ || listeners_.empty()) return;
  scheduled_ = true;
  loop_->CallSoon([weak = self_] {
    if (const auto self = weak.lock()) self->Call();
  });
}

void ListenerList::Call() {
  scheduled_ = false;
  const uint64_t last = last_id_;  // those that come meanwhile are called the next time
  for (auto next = listeners_.begin(); next != listeners_.end() && next->first <= last;) {
    const uint64_t id = next->first;
    const std::shared_ptr<Listener> listener = next->second;
    (*listener)();
    next = listeners_.upper_bound(id);  // it may have removed itself, and others
  }
}

}  // namespace proctor
