#include "core/base/warning.h"

#include <cstdio>
#include <memory>

#include "absl/base/const_init.h"
#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/base/printable_text.h"

namespace proctor {
namespace {

ABSL_CONST_INIT absl::Mutex mutex(absl::kConstInit);
std::shared_ptr<const WarningHandler>& Slot() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
  static auto* slot = new std::shared_ptr<const WarningHandler>;
  return *slot;
}

}  // namespace

void SetWarningHandler(WarningHandler handler) {
  auto next = handler ? std::make_shared<const WarningHandler>(std::move(handler)) : nullptr;
  absl::MutexLock lock(&mutex);
  Slot().swap(next);  // the one before is destroyed by its last user
}

void Warn(std::string_view message) {
  std::shared_ptr<const WarningHandler> handler;
  {
    absl::MutexLock lock(&mutex);
    handler = Slot();
  }
  if (handler != nullptr) {
    (*handler)(message);
  } else {
    std::fprintf(stderr, "proctor: warning: %s\n", Printable(message).c_str());
  }
}

}  // namespace proctor
