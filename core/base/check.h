#pragma once

#include <string_view>

#include "absl/base/optimization.h"

namespace proctor {

// Ends the process, in every build, if `condition` does not hold: an invariant of ours is broken,
// and whatever would follow could be wrong. `promise` says in plain words what should hold.
//
//   PROCTOR_CHECK(position <= end_, "only bytes that were written can be dropped");
//
// Not for what a caller can cause, or the machine: that is an error, and is returned.
#define PROCTOR_CHECK(condition, promise)              \
  (ABSL_PREDICT_TRUE(condition) ? static_cast<void>(0) \
                                : ::proctor::FailCheck(__FILE__, __LINE__, #condition, promise))

// Writes one line to stderr and aborts, which in the server adds last words
// (server/log/last_words.h):
//
//   proctor: byte_ring.cc:66: broken invariant: position <= end_ (only bytes that were ...)
//
// Any thread, also in a signal handler and without memory.
[[noreturn]] void FailCheck(const char* file, int line, std::string_view broken,
                            std::string_view promise);

}  // namespace proctor
