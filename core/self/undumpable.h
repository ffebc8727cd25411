#pragma once

namespace proctor {

// Has Linux keep the memory of this process from everybody but root: no core is left, no other
// process of its user attaches or reads /proc/PID/mem, and most of /proc/PID is root's
// (PR_SET_DUMPABLE, prctl(2)). Children are as all others from their exec on.
//
// A child that becomes another user while it shares our memory has Linux forget that, and take
// what the machine says of programs with privileges (fs.suid_dumpable): whoever spawned one renews
// it, which does nothing where it was not set.
//
// Thread-safety: any thread.
void SetUndumpable();
void RenewUndumpable();

}  // namespace proctor
