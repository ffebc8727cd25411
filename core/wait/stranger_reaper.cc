#include "core/wait/stranger_reaper.h"

#include <sys/prctl.h>
#include <unistd.h>

#include "core/wait/child_wait.h"
#include "core/wait/watch_table.h"

namespace proctor {

bool AdoptsOrphans() {
  int subreaper = 0;
  return ::getpid() == 1 ||
         (::prctl(PR_GET_CHILD_SUBREAPER, &subreaper, 0, 0, 0) == 0 && subreaper != 0);
}

size_t ReapStrangers() {
  size_t reaped = 0;
  for (;; ++reaped) {
    const AnyChildLook zombie = PeekAnyChild(/*of_this_thread=*/true);
    if (zombie.pid == 0 || IsClaimed(zombie.pid)) return reaped;
    ReapChild({zombie.pid});  // which this thread has just seen a zombie
  }
}

}  // namespace proctor
