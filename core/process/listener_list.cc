#include "core/process/listener_list.h"

#include <vector>

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
  std::vector<uint64_t> ids;
  for (const auto& [id, listener] : listeners_) ids.push_back(id);
  for (const uint64_t id : ids) {
    auto found = listeners_.find(id);
    if (found == listeners_.end()) continue;  // removed by one before it
    const std::shared_ptr<Listener> listener = found->second;
    (*listener)();
  }
}

}  // namespace proctor
