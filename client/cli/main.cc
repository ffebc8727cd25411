// The command `proctor`.
#include "absl/synchronization/mutex.h"
#include "client/cli/command/command.h"

int main(int argc, char** argv) {
  // Debian's Abseil aborts on lock-order inversions, those inside gRPC included.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return proctor::cli::RunCommand({argv + (argc > 0 ? 1 : 0), argv + argc});
}
