// own_policy: a policy of one's own. To asyncio a context is a thread, and only the main thread
// gets a loop unasked; here every thread gets one that asks, and all share a threaded watcher.

#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "proctor/error.h"
#include "proctor/policy_registry.h"
#include "proctor/subprocess.h"
#include "proctor/watcher_kind.h"

namespace {

class EveryThreadPolicy : public proctor::DefaultEventLoopPolicy {
 public:
  EveryThreadPolicy() : DefaultEventLoopPolicy([] { return proctor::NewWatcher("threaded"); }) {}

  absl::StatusOr<std::shared_ptr<proctor::EventLoop>> GetEventLoop() override {
    auto loop = DefaultEventLoopPolicy::GetEventLoop();
    if (proctor::ErrorReason(loop.status()) != "NO_CURRENT_EVENT_LOOP") return loop;
    loop = NewEventLoop();
    if (!loop.ok()) return loop;
    const absl::Status set = SetEventLoop(*loop);
    return set.ok() ? loop : set;
  }
};

// Runs a script on the calling thread's loop, and returns how it ended.
std::string Run(const std::string& script) {
  const auto loop = proctor::GetEventLoop().value();
  std::string end;
  absl::StatusOr<std::unique_ptr<proctor::Subprocess>> process;
  loop->CallSoon([&] {
    process = proctor::Subprocess::Start(
        {.argv = {"sh", "-c", script}}, {.on_end = [&](const proctor::ExitStatus& status) {
          end = proctor::DebugString(status.wait) + ", seen by " + status.watcher;
          loop->Stop();
        }});
    if (!process.ok()) loop->Stop();
  });
  loop->RunForever().IgnoreError();  // no other loop runs on this thread
  return process.ok() ? end : process.status().ToString();
}

}  // namespace

int main() {
  // By name, so that a flag can choose it.
  const absl::Status registered = proctor::RegisterPolicy(
      "every-thread", [](auto) { return std::make_shared<EveryThreadPolicy>(); });
  const auto policy = proctor::NewPolicy("every-thread", {});
  if (!registered.ok() || !policy.ok()) return 1;
  proctor::SetEventLoopPolicy(*policy);

  std::string other;
  std::thread thread([&] { other = Run("exit 3"); });
  const std::string own = Run("kill -TERM $$");
  thread.join();
  std::printf("main thread: %s\nother thread: %s\n", own.c_str(), other.c_str());
}
