#pragma once

#include <cstdint>
#include <optional>

namespace proctor {

// Raises this process's soft limit of descriptors (RLIMIT_NOFILE) to its hard one, at most
// 1,048,576: each process that it runs takes some. Programs are spawned with the soft limit
// that was before, because those that use select(2) break beyond 1,024 descriptors, which
// is why distributions keep it low. Once, before there are threads.
void RaiseDescriptorLimit();

// The soft limit that was before; nothing if it was not raised. Safe from any thread.
std::optional<uint64_t> DescriptorLimitBefore();

}  // namespace proctor
