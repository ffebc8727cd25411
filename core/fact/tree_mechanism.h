#pragma once

namespace proctor {

// How the descendants of a process are known: by a control group, by a walk over /proc, or not
// at all, only the leader's process group (group_tree.h).
enum class TreeMechanism { kCgroup, kWalk, kGroup };

}  // namespace proctor
