#pragma once

#include <cstddef>

namespace proctor {

// Reaps the children that nobody of this process has spawned. The kernel gives a process the
// orphans of its machine or container where it is PID 1 there, and those of its descendants
// where it is their subreaper (prctl(2)). Without an init beside it, they would stay zombies.
//
// Thread-safety: the main thread: that is whose children orphans become, while those of other
// threads are not even looked at (__WNOTHREAD). The main thread spawns nothing but probes, which
// it has reaped, or left to the OrphanReaper, before it does anything else. A session's child that
// comes to it, because the session's thread has ended, has a Watch.

// Whether orphans become children of this process.
bool AdoptsOrphans();

// Reaps those that have ended, and returns how many. A child that is waited for is left alone
// (IsClaimed); behind its zombie others are found only once it is gone.
size_t ReapStrangers();

}  // namespace proctor
