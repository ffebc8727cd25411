// watch_children: runs a few commands at once, and tells of each end as it comes.

#include <cstdio>
#include <utility>

#include "proctor/event_loop_policy.h"
#include "proctor/launcher.h"

using proctor::ChildWatcher;

namespace {

// Runs a shell script, and calls `handler` once when it has ended.
absl::Status Spawn(ChildWatcher& watcher, const char* script, proctor::ChildHandler handler) {
  const ChildWatcher::Scope scope(watcher);  // until the child has its handler
  const auto launched =
      proctor::Launch({.argv = {"sh", "-c", script}, .stdout_mode = proctor::StdioMode::kNull});
  if (!launched.ok()) return launched.status();
  return watcher.AddChildHandler(launched->child, std::move(handler));
}

}  // namespace

int main() {
  // What the policy gives this thread; value() ends the program if there is none.
  const auto loop = proctor::GetEventLoop().value();
  const auto watcher = proctor::GetChildWatcher().value();

  int running = 0;
  const auto on_exit = [&](const proctor::ChildExit& exit) {
    const absl::Duration cpu = exit.status.usage.user_time + exit.status.usage.system_time;
    std::printf("pid %d: returncode %d, cpu time %s\n", static_cast<int>(exit.pid),
                exit.returncode(), absl::FormatDuration(cpu).c_str());
    if (--running == 0) loop->Stop();
  };

  absl::Status status;
  // Handlers are called on the loop that runs when they are added: so in the loop.
  loop->CallSoon([&] {
    for (const char* script : {"sleep 0.5", "exit 3", "kill -TERM $$", "seq 1000000"}) {
      const absl::Status spawned = Spawn(*watcher, script, on_exit);
      if (spawned.ok()) ++running;
      status.Update(spawned);
    }
    if (running == 0) loop->Stop();
  });
  const absl::Status ran = loop->RunForever();
  status.Update(ran);
  if (!status.ok()) std::fprintf(stderr, "watch_children: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
