#pragma once

#include <cstdint>

namespace proctor::server {

// The descriptors that no connection of TCP gets: a quarter of those that the process may have
// (RLIMIT_NOFILE), 1,024 at most. They are for the unix socket, by which whoever runs the server
// still reaches it, and for processes.
//
// Thread-safety: any thread. Costs two system calls, because the limit may be changed at any time.

// How many of `limit` are kept.
uint64_t DescriptorReserve(uint64_t limit);

// Whether `fd`, which was just made, is one of the last. How many are in use, the kernel tells
// since Linux 6.2. Before that, the number says that at least as many are, because the lowest free
// one is given: after processes have ended, TCP may then get some of the reserve.
bool TakesFromReserve(int fd);

}  // namespace proctor::server
