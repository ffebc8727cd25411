#include "core/self/undumpable.h"

#include <sys/prctl.h>

#include <atomic>

namespace proctor {
namespace {

std::atomic<bool> undumpable{false};

}  // namespace

void SetUndumpable() {
  undumpable = true;
  RenewUndumpable();
}

void RenewUndumpable() {
  if (undumpable) (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);  // cannot fail
}

}  // namespace proctor
