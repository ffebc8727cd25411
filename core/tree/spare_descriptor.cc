#include "core/tree/spare_descriptor.h"

#include <errno.h>
#include <fcntl.h>

namespace proctor {

SpareDescriptor& SpareDescriptor::Get() {
  static auto* spare = new SpareDescriptor;
  return *spare;
}

void SpareDescriptor::Refill() {
  absl::MutexLock lock(&mutex_);
  RefillLocked();
}

void SpareDescriptor::RefillLocked() {
  if (!spare_) spare_.Reset(::open("/", O_PATH | O_CLOEXEC));
}

UniqueFd SpareDescriptor::Open(const std::function<int()>& open) {
  Refill();  // what was opened in its place may be closed by now
  UniqueFd opened(open());
  if (opened || (errno != EMFILE && errno != ENFILE)) return opened;
  absl::MutexLock lock(&mutex_);
  RefillLocked();
  if (!spare_) {
    errno = EMFILE;
    return opened;
  }
  spare_.Reset();
  opened.Reset(open());
  return opened;
}

}  // namespace proctor
