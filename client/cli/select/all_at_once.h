#pragma once

#include <cstddef>
#include <functional>

namespace proctor::cli {

// Does the same work for several things, all at once, and reports the results in their order.
//
// Called by one thread. Threads of its own do the work, and are gone when the call returns; the
// caller's thread does a single piece. When the system has no more threads, fewer do it, or the
// caller's alone.

// How many are under way at one time: a thread and an RPC each.
constexpr size_t kMostAtOnce = 64;

// Calls work(i) for every i below `count`, kMostAtOnce of them at a time, each once and on any
// thread. Calls done(i) on the caller's thread once work(i) and all before it have returned: i
// comes in order, and does not wait for those behind it.
void AllAtOnce(size_t count, const std::function<void(size_t)>& work,
               const std::function<void(size_t)>& done);

}  // namespace proctor::cli
