#pragma once

#include <cstdint>

namespace proctor::server {

// The descriptors that no connection of TCP gets: a quarter of those that the process may have
// (RLIMIT_NOFILE), 1,024 at most. They are for the unix socket, by which the operator still reaches
// the server, and for processes.
//
// Thread-safety: any thread. Costs two system calls, because the limit may be changed at any time.

// Returns how many of `limit` are kept.
uint64_t DescriptorReserve(uint64_t limit);

// Whether `fd`, which was just made, is one of the last. Since Linux 6.2 the kernel says how many
// are in use. Before that, the number of `fd` is the lowest that was free, so at least as many are
// in use: after processes have ended, TCP may then get some of the reserve.
bool TakesFromReserve(int fd);

}  // namespace proctor::server
