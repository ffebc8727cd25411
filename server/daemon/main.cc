// proctord: parses, builds, runs.

#include <signal.h>
#include <unistd.h>

#include <cstdio>

#include "absl/synchronization/mutex.h"
#include "core/base/printable_text.h"
#include "proctor/version.h"
#include "server/daemon/daemon.h"
#include "server/options/options.h"

int main(int argc, char** argv) {
  // Debian's Abseil would end the process at a lock order that it suspects, gRPC's
  // own locks included.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  auto options = proctor::server::ParseOptions(argc, argv);
  if (!options.ok()) {
    std::fprintf(stderr, "proctord: %s\nTry 'proctord --help'.\n",
                 proctor::Printable(std::string(options.status().message())).c_str());
    return 2;
  }
  if (options->help) return std::fputs(proctor::server::HelpText().c_str(), stdout) < 0;
  if (options->version) return std::printf("proctord %s\n", proctor::kVersion) < 0;
  return proctor::server::RunDaemon(*options);
}
