#pragma once

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace proctor {

// The time by which events are too old: that of the wall, except after a jump forward. Somebody
// who sets the clock an hour ahead, or a machine that begins in a wrong year and is told the right
// one, does not make what just happened old. From a jump on, this clock goes on at the pace of
// CLOCK_BOOTTIME, for as long as `hold`; whatever was there at the jump is older than that by then,
// and the wall's time is believed.
//
//     wall     ────────────┐ jump    ┌──────────────────────────────────────▶
//                          └─────────┘
//     this     ──────────────────────────────────▶ hold is over ─┐
//                                                                └──────────▶ as the wall
//
// A clock that is set back is followed at once: events stay a while longer. So do those from
// before a server's long rest, because it cannot be told from a jump.
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
