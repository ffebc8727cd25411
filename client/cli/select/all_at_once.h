#pragma once

#include <cstddef>
#include <functional>

namespace proctor::cli {

// The same work for each of several things, all at once, and what came of it in their order.
//
// Called by one thread. The work is done on threads of its own, which are gone when the call
// returns; one piece of work alone is done by the caller's thread. Where the system has no more
// threads fewer of them do it, or the caller's.

// How many are under way at one time: a thread and an RPC each.
constexpr size_t kMostAtOnce = 64;

// Calls work(i) for every i below `count`, kMostAtOnce of them at a time, each once and on any
// thread. Calls done(i) on the caller's thread once work(i) and all before it have returned: i
// comes in order, and does not wait for those behind it.
void AllAtOnce(size_t count, const std::function<void(size_t)>& work,
               const std::function<void(size_t)>& done);

}  // namespace proctor::cli
