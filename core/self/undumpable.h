#pragma once

namespace proctor {

// Has Linux keep the memory of this process from everybody but root: it leaves no core, no other
// process of its user attaches or reads /proc/PID/mem, and root owns most of /proc/PID
// (PR_SET_DUMPABLE, prctl(2)). Children are dumpable again after their exec.
//
// A child that changes its user while it shares our memory resets this to the machine's default for
// privileged programs (fs.suid_dumpable). RenewUndumpable after such a spawn sets it again, and
// does nothing if it was not set.
//
// Thread-safety: any thread.
void SetUndumpable();
void RenewUndumpable();

}  // namespace proctor
