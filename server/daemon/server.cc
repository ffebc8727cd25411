#include "server/daemon/server.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/return_if_error.h"
#include "core/loop/selector_event_loop.h"
#include "core/self/machine_memory.h"
#include "core/self/memory_reserve.h"
#include "core/spawn/spawn_fence.h"
#include "proctor/launcher.h"
#include "proctor/version.h"
#include "proctor/watcher_kind.h"
#include "server/call/refusals.h"
#include "server/daemon/gauges.h"
#include "server/daemon/http_side.h"
#include "server/daemon/server_facts.h"
#include "server/daemon/server_parts.h"
#include "server/daemon/state_directory.h"
#include "server/metrics/own_usage.h"
#include "server/storage/stored_state.h"

namespace proctor::server {
namespace {

// As PID 1 the server reaps orphans every so many ticks.
constexpr int kTicksOfOrphans = 4;

uint64_t MaxMemory(const Options& options) {
  return options.max_memory.has_value() ? *options.max_memory : MachineMemory() / 2;
}

SessionRegistry::Options RegistryOptions(const Options& options,
                                         const std::shared_ptr<EventLoop>& main_loop,
                                         const std::shared_ptr<ProcessTrees>& trees,
                                         const std::shared_ptr<Absence>& absence,
                                         const std::shared_ptr<OutputStore>& outputs,
                                         Metrics* metrics) {
  SessionRegistry::Options result;
  result.policy = options.policy;
  result.watcher = options.watcher;
  result.max_sessions = options.max_sessions;
  result.max_ended_processes = options.max_ended_processes;
  result.max_processes = static_cast<uint64_t>(options.max_processes);
  result.max_memory = MaxMemory(options);
  result.quota = {static_cast<uint64_t>(options.max_processes_per_session),
                  static_cast<uint64_t>(options.max_output_bytes_per_session)};
  result.main_loop = main_loop;
  result.trees = trees;
  result.kill_survivors = options.kill_survivors;
  result.absence = absence;
  result.codec = std::make_shared<const storage::StoredState>();
  result.outputs = outputs;
  result.meter = metrics;
  return result;
}

void LogCgroup(const ProcessTrees& trees) {
  const auto path = trees.cgroup();
  if (path.ok()) {
    spdlog::info("cgroup path={} controllers={}", *path, absl::StrJoin(trees.controllers(), ","));
  } else {
    spdlog::info("no cgroup reason=\"{}\"", absl::CEscape(std::string(path.status().message())));
  }
}

std::string Describe(const ListenerLoad& listener) {
  std::string text =
      absl::StrCat("listener ", listener.name(), ": ", listener.open(), " connections");
  for (const auto& [reason, count] : listener.refused()) {
    if (count > 0) absl::StrAppend(&text, ", ", count, " refused for ", reason);
  }
  return text;
}

std::string DescribeUsage() {
  const OwnUsage usage = ReadOwnUsage();
  return absl::StrCat("own use: ", usage.open_fds, " of ", usage.max_fds, " descriptors, ",
                      usage.resident_bytes, " bytes resident, ",
                      absl::FormatDuration(absl::Seconds(usage.cpu_seconds)), " of processor");
}

}  // namespace

Server::Server(const Options& options, std::shared_ptr<EventLoop> main_loop,
               std::shared_ptr<ProcessTrees> trees, std::unique_ptr<EventLog> events,
               std::shared_ptr<OutputStore> outputs, Ended ended)
    : options_(options),
      main_loop_(std::move(main_loop)),
      trees_(std::move(trees)),
      ended_(std::move(ended)),
      metrics_(kVersion, [this] { return ReadNow(); }),
      events_(std::move(events)),
      sessions_(RegistryOptions(options, main_loop_, trees_, absence_, outputs, &metrics_),
                events_.get()),
      parts_(std::make_unique<Parts>()) {
  events_->SetMeter(&metrics_);
}

Server::~Server() {
  tick_timer_.Cancel();
  (void)SpawnFence::Set(-1);
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Options& options,
                                                      std::shared_ptr<EventLoop> main_loop,
                                                      Ended ended) {
  SetSpawnTimeout(options.spawn_timeout);
  // Reports now, not at the first session, a setting that no session could use.
  if (auto watcher = ResolveWatcher(options.watcher); !watcher.ok()) return watcher.status();
  ASSIGN_OR_RETURN(auto trees, ProcessTrees::Open(options.cgroup));
  LogCgroup(*trees);
  std::string notice;
  ASSIGN_OR_RETURN(auto events, OpenEventLog(options, &notice));
  std::unique_ptr<Server> server(new Server(options, std::move(main_loop), std::move(trees),
                                            std::move(events), OpenOutputStore(options),
                                            std::move(ended)));
  server->parts_->notice = std::move(notice);
  RETURN_IF_ERROR(server->Begin());
  return server;
}

absl::Status Server::Begin() {
  auto loop = SelectorEventLoop::Create();
  if (!loop.ok()) return loop.status();
  parts_->hub = EventHub::Start(events_.get(), &metrics_, *std::move(loop));
  parts_->freed_memory = std::make_unique<FreedMemory>(main_loop_.get(), &sessions_.memory());
  RETURN_IF_ERROR(sessions_.Restore());
  auto grpc = GrpcSide::Start(
      options_,
      {main_loop_.get(), &sessions_, events_.get(), parts_->hub.get(), trees_,
       ServerService::Facts{
           LimitsOf(options_, sessions_.memory()), EventLogFactsOf(options_, parts_->notice),
           trees_, [this](absl::Duration grace) { Drain(grace); }, &parts_->logins, ListParts()}});
  if (!grpc.ok()) return grpc.status();
  parts_->grpc = *std::move(grpc);
  BeginLooks();
  LookAround();
  Tick();
  return BeginHttp();
}

absl::Status Server::BeginHttp() {
  if (!options_.http.has_value()) return absl::OkStatus();
  auto http = StartHttp(options_, {.channel = parts_->grpc->NewChannel(),
                                   .logins = &parts_->logins,
                                   .load = parts_->http_load,
                                   .metrics = [this] { return metrics_.Render(); },
                                   .ready =
                                       [this] {
                                         const absl::Status ready = CheckReady(sessions_, *events_);
                                         return ready.ok() ? parts_->stuck->Check() : ready;
                                       }});
  if (!http.ok()) return http.status();
  parts_->http = *std::move(http);
  return absl::OkStatus();
}

// Health says what readiness says of the threads, and the log says since when.
void Server::BeginLooks() {
  parts_->stuck =
      std::make_unique<StuckThreads>(&sessions_, main_loop_, parts_->hub->loop(),
                                     std::max(2 * kLongTurn, options_.spawn_timeout + kLongTurn));
  parts_->stuck->Begin([this](const absl::Status& status) {
    if (status.ok()) {
      spdlog::info("all threads get on again");
    } else {
      spdlog::error("{}", std::string(status.message()));
    }
    if (!draining_) parts_->grpc->SetServing(status.ok());
  });
}

void Server::LookAround() {
  parts_->look_timer = main_loop_->CallLater(parts_->grpc->look_period(), [this] {
    parts_->grpc->LookAtPeers();
    Refusals::Get().TellUntold();
    parts_->hub->TellUntold();
    if (MemoryReserveSpent()) {
      spdlog::error("out of memory: the reserve was used{}",
                    HoldMemoryReserve() ? ", and is there again" : "");
    }
    LookAround();
  });
}

std::optional<http::LoginLink> Server::NewDashboardLink(http::Role role) {
  auto link = parts_->logins.NewLink(role);
  if (!link.ok()) return std::nullopt;
  return *std::move(link);
}

// On the http thread, which begins when all acceptors are there, and ends before they go.
Gauges Server::ReadNow() const {
  std::vector<const ListenerLoad*> listeners = parts_->grpc->loads();
  listeners.push_back(parts_->http_load.get());
  return ReadGauges(sessions_, *events_, *parts_->hub, listeners);
}

// On the main loop, which has listeners for as long as it runs.
std::vector<StatePart> Server::ListParts() {
  const auto describe_main = [this](size_t) {
    std::string text = absl::StrCat(main_loop_->DebugString(), "\n", DescribeUsage(), "\n");
    for (const ListenerLoad* listener : parts_->grpc->loads()) {
      absl::StrAppend(&text, Describe(*listener), "\n");
    }
    return absl::StrCat(text, Describe(*parts_->http_load), "\n");
  };
  const std::shared_ptr<EventLoop> events = parts_->hub->loop();
  return {
      {.name = "main",
       .post = [loop = main_loop_](
                   LoopCallback work) { return loop->CallSoonThreadsafe(std::move(work)); },
       .describe = describe_main,
       .turn_time = [loop = main_loop_] { return loop->TurnTime(); }},
      {.name = "events",
       .post = [events](LoopCallback work) { return events->CallSoonThreadsafe(std::move(work)); },
       .describe =
           [hub = parts_->hub.get()](size_t max_bytes) { return hub->DebugString(max_bytes); },
       .turn_time = [events] { return events->TurnTime(); }}};
}

std::vector<std::string> Server::Addresses() const { return parts_->grpc->Addresses(); }

void Server::Reload() { parts_->grpc->Reload(); }

void Server::Tick() {
  absence_->Tick();
  // Orphans stay zombies for a second at most; a look costs one system call.
  if (adopts_orphans_ && ++ticks_ % kTicksOfOrphans == 0) ReapStrangers();
  tick_timer_ = main_loop_->CallLater(Absence::kTick, [this] { Tick(); });
}

}  // namespace proctor::server
