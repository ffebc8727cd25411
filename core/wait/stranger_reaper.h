#pragma once

#include <cstddef>

namespace proctor {

// Reaps the children that this process did not spawn. The kernel gives PID 1 the orphans of its
// machine or container, and a subreaper those of its descendants (prctl(2)). With no other init,
// they would stay zombies.
//
// Rejected: to make every server a subreaper. The marks of walked trees find orphans wherever they
// went, and a server that adopted them would have to tell its children from strangers. A process
// that outlives the server would be the place for that.
//
// Thread-safety: the main thread. Orphans become its children; children of other threads are not
// even looked at (__WNOTHREAD). The main thread spawns only probes, and reaps them, or leaves them
// to the OrphanReaper, before it does anything else. A session's child that comes to it, because
// the session's thread has ended, has a Watch.

// Whether orphans become children of this process.
bool AdoptsOrphans();

// Reaps those that have ended, and returns how many. A child that is waited for is left alone
// (IsClaimed); behind its zombie others are found only once it is gone.
size_t ReapStrangers();

}  // namespace proctor
