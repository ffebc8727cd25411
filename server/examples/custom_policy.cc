// custom_policy_server: proctord with one more policy, "debug". A session of that
// policy says which thread it got, and its loop warns of each callback that keeps the
// others waiting.
//
//   custom_policy_server --policy=debug

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "proctor/policy_registry.h"
#include "proctor/version.h"
#include "server/daemon/daemon.h"
#include "server/options/options.h"

namespace {

constexpr absl::Duration kSlow = absl::Milliseconds(20);

// As in asyncio: subclass the default policy, and override what shall be different.
class DebugPolicy : public proctor::DefaultEventLoopPolicy {
 public:
  using DefaultEventLoopPolicy::DefaultEventLoopPolicy;

  // Each thread that becomes a context of the policy asks here for its loop.
  absl::StatusOr<std::shared_ptr<proctor::EventLoop>> GetEventLoop() override {
    auto loop = DefaultEventLoopPolicy::GetEventLoop();
    if (!loop.ok()) return loop;
    (*loop)->SetDebug(true, kSlow);
    char thread[16] = "";  // as long as a thread's name can be
    ::pthread_getname_np(::pthread_self(), thread, sizeof thread);
    spdlog::info("debug policy thread={} loop={}", thread, (*loop)->name());
    return loop;
  }
};

}  // namespace

int main(int argc, char** argv) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);  // as server/daemon/main.cc
  // By name, so that --policy and CreateSession can choose it, and `proctor info` lists it.
  const absl::Status registered = proctor::RegisterPolicy("debug", [](auto watcher_factory) {
    return std::make_shared<DebugPolicy>(std::move(watcher_factory));
  });
  const auto options = proctor::server::ParseOptions(argc, argv);
  for (const absl::Status& status : {registered, options.status()}) {
    if (status.ok()) continue;
    std::fprintf(stderr, "custom_policy_server: %s\n", std::string(status.message()).c_str());
    return 2;
  }
  if (options->help) return std::fputs(proctor::server::HelpText().c_str(), stdout) < 0;
  if (options->version) return std::printf("custom_policy_server %s\n", proctor::kVersion) < 0;
  return proctor::server::RunDaemon(*options);
}
