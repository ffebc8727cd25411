#pragma once

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace proctor {

// The clock that tells which events are too old: wall time, except after a jump forward. A clock
// that is set an hour ahead, or from a wrong year to the right one, does not make new events old.
// After a jump, this clock goes on at the pace of CLOCK_BOOTTIME for `hold`. By then every event
// from before the jump is older than that, and wall time holds again.
//
//     wall     ────────────┐ jump    ┌──────────────────────────────────────▶
//                          └─────────┘
//     this     ──────────────────────────────────▶ hold is over ─┐
//                                                                └──────────▶ as the wall
//
// A clock that is set back is followed at once: events stay a while longer. Events from before a
// long rest of the server stay longer too: the rest looks like a jump.
//
// Thread-safety: none. Lifetime: a value.
class AgeClock {
 public:
  // It was `start` when this was last known; `boot` is CLOCK_BOOTTIME now.
  AgeClock(absl::Duration hold, absl::Time start, absl::Duration boot);
  AgeClock(absl::Duration hold, absl::Time start) : AgeClock(hold, start, BootTime()) {}

  absl::Time Now(absl::Time wall, absl::Duration boot);
  absl::Time Now() { return Now(absl::Now(), BootTime()); }

 private:
  static absl::Duration BootTime();

  absl::Duration hold_;
  absl::Time now_;           // when it was last asked
  absl::Duration boot_;      // then
  absl::Duration followed_;  // when it last was as the wall
};

}  // namespace proctor
