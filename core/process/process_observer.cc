#include "core/process/process_observer.h"

namespace proctor {

ProcessObserver* ProcessObserver::None() {
  static auto* const none = new ProcessObserver();
  return none;
}

}  // namespace proctor
