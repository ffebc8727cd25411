#pragma once

#include <cstdint>
#include <optional>

namespace proctor {

// This process's soft limit of descriptors (RLIMIT_NOFILE).
//
// Thread-safety: Raise before there are threads; Before from any thread.
class DescriptorLimit {
 public:
  // Raises it to the hard one, at most 1,048,576: each process that this one runs takes some.
  // Programs are spawned with the soft limit that was before, because those that use select(2)
  // break beyond 1,024 descriptors, which is why distributions keep it low. Once.
  static void Raise();

  // The limit that was before; nothing if it was not raised.
  static std::optional<uint64_t> Before() { return before_; }

 private:
  static inline std::optional<uint64_t> before_;
};

}  // namespace proctor
