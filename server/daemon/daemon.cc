#include "server/daemon/daemon.h"

#include <errno.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "core/self/descriptor_limit.h"
#include "core/self/memory_reserve.h"
#include "core/self/undumpable.h"
#include "core/wait/sigchld.h"
#include "proctor/error.h"
#include "proctor/event_loop_policy.h"
#include "proctor/policy_registry.h"
#include "proctor/unique_fd.h"
#include "proctor/version.h"
#include "proctor/watcher_kind.h"
#include "server/daemon/daemon_signals.h"
#include "server/daemon/freed_memory.h"
#include "server/daemon/server.h"
#include "server/daemon/shutdown_bound.h"
#include "server/log/server_log.h"

namespace proctor::server {
namespace {

void TellReady(int fd) {
  if (fd < 0) return;
  const UniqueFd ready(fd);
  // The starter waits for it, and then looks into the log for the addresses.
  spdlog::default_logger()->flush();
  constexpr char kReady[] = "READY\n";
  if (::write(ready.get(), kReady, sizeof kReady - 1) < 0) {
    spdlog::warn("--ready-fd={}: {}", fd, ErrnoText(errno));
  }
}

// How long the last steps may take: more than all that each of them waits for by itself.
constexpr absl::Duration kLongestShutdown = absl::Seconds(20);

void Obey(DaemonSignals& signals, Server& server, bool* draining) {
  while (const auto received = signals.Read()) {
    switch (received->wish) {
      case DaemonSignals::Wish::kDrainOnce:
        if (*draining) break;
        [[fallthrough]];
      case DaemonSignals::Wish::kDrain:
        spdlog::info("draining signal={}", received->name);
        *draining = true;
        server.Drain();
        break;
      case DaemonSignals::Wish::kReload:
        server.Reload();
        break;
      case DaemonSignals::Wish::kNone:
        spdlog::warn("signal without a meaning signal={} sender={}", received->name,
                     received->sender);
        break;
    }
  }
}

int ServeOn(const std::shared_ptr<EventLoop>& loop, const Options& options, DaemonSignals& signals,
            ShutdownBound& bound) {
  bool clean = false;
  auto server = Server::Start(options, loop, [&](bool all_ended) {
    clean = all_ended;
    loop->Stop();
  });
  if (!server.ok()) {
    spdlog::error("{}", std::string(server.status().message()));
    return 1;
  }
  bool draining = false;
  const absl::Status watched =
      loop->AddReader(signals.fd(), [&] { Obey(signals, **server, &draining); });
  if (!watched.ok()) {
    spdlog::error("watch signals: {}", std::string(watched.message()));
    return 1;
  }
  spdlog::info("proctord ready version={} pid={} listen={}", kVersion, ::getpid(),
               absl::StrJoin((*server)->Addresses(), ","));
  // The code may be in a log: it is worth nothing once it was used, or after some minutes. Others
  // may read a log, but not the operator's terminal.
  const http::Role role = ::isatty(STDERR_FILENO) == 1 ? http::Role::kAct : http::Role::kLook;
  if (const auto link = (*server)->NewDashboardLink(role); link.has_value()) {
    spdlog::info("dashboard url={} once_within={}", link->url, absl::FormatDuration(link->life));
  }
  TellReady(options.ready_fd);
  const absl::Status ran = loop->RunForever();
  if (!ran.ok()) spdlog::error("main loop: {}", std::string(ran.message()));
  loop->RemoveReader(signals.fd());
  bound.Begin(kLongestShutdown);
  const absl::Status ended = (*server)->Shutdown(bound);
  if (!clean) spdlog::error("processes were left that could not be killed");
  if (!ended.ok()) {
    spdlog::error("{}", std::string(ended.message()));
    LeaveProcess();
  }
  spdlog::info("proctord ended");
  return ran.ok() && clean ? 0 : 1;
}

// Serves on the loop that the policy of this process gives the main thread.
int Serve(const Options& options, DaemonSignals& signals, ShutdownBound& bound) {
  auto loop = GetEventLoop();
  if (!loop.ok()) {
    spdlog::error("set up the main loop: {}", std::string(loop.status().message()));
    return 1;
  }
  (*loop)->SetErrorHandler([](const LoopError& error) {
    spdlog::warn("{}: {}", error.message, std::string(error.status.message()));
  });
  const int code = ServeOn(*loop, options, signals, bound);
  bound.Enter("the main loop");
  (void)SetEventLoop(nullptr);
  (void)(*loop)->Close();  // not running: cannot fail
  return code;
}

}  // namespace

int RunDaemon(const Options& options) {
  if (!options.dumpable) SetUndumpable();
  const bool ignored_sigchld = UseDefaultSigchld();
  FreedMemory::MapLargeBlocks();
  auto signals = DaemonSignals::Open();
  const ServerLog log(options.log_level);
  if (ignored_sigchld) spdlog::warn("SIGCHLD was ignored at the start: set to its default");
  DescriptorLimit::Raise();
  if (!HoldMemoryReserve()) spdlog::warn("no reserve of memory can be had");
  if (!signals.ok()) {
    spdlog::error("set up signals: {}", std::string(signals.status().message()));
    return 1;
  }
  auto policy = NewPolicy(options.policy, [name = options.watcher] { return NewWatcher(name); });
  if (!policy.ok()) {
    spdlog::error("{}", std::string(policy.status().message()));
    return 1;
  }
  SetEventLoopPolicy(*std::move(policy));
  auto bound = ShutdownBound::Make();
  if (!bound.ok()) {
    spdlog::error("{}", std::string(bound.status().message()));
    return 1;
  }
  const int code = Serve(options, *signals, **bound);
  SetEventLoopPolicy(nullptr);
  return code;
}

}  // namespace proctor::server
