#include "server/daemon/server.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security_constants.h>
#include <grpcpp/ext/channelz_service_plugin.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/return_if_error.h"
#include "core/base/version.h"
#include "core/self/machine_memory.h"
#include "core/self/memory_reserve.h"
#include "core/spawn/launcher.h"
#include "core/spawn/spawn_fence.h"
#include "core/storage/sqlite_event_store.h"
#include "core/watch/watcher_kind.h"
#include "grpc/health/v1/health.pb.h"
#include "server/access/token.h"
#include "server/admin/server_service.h"
#include "server/daemon/freed_memory.h"
#include "server/daemon/gauges.h"
#include "server/daemon/stuck_threads.h"
#include "server/event/event_hub.h"
#include "server/event/event_service.h"
#include "server/gateway/http_server.h"
#include "server/listen/accepted_sockets.h"
#include "server/net/acceptor.h"
#include "server/net/tcp_credentials.h"
#include "server/process/process_service.h"
#include "server/session/session_service.h"
#include "server/storage/stored.h"
#include "server/wire/time.h"

namespace proctor::server {
namespace {

constexpr int kMaxMessageBytes = 8 * 1024 * 1024;

// The part of the drain grace after which processes that ignore their stop policy
// are killed, so that the rest is left for their output.
constexpr double kStopShare = 0.8;

// How long a process that does not even die of SIGKILL (in the kernel, on a dead
// disk) can delay the end of the server.
constexpr absl::Duration kGiveUpAfterKill = absl::Seconds(5);

// As PID 1, how often orphans are looked after.
constexpr int kTicksOfOrphans = 4;

// How long callers have, at the end, to take what was sent to them.
constexpr absl::Duration kLastWords = absl::Seconds(5);

// A turn of a loop is too long that lasts this much longer than a start may.
constexpr absl::Duration kLongTurn = absl::Seconds(5);

// How long gRPC has then to end what it cancels.
constexpr absl::Duration kCancelled = absl::Seconds(1);

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
  result.codec = wire::MakeStateCodec();
  result.outputs = outputs;
  result.spawn_took = [metrics](absl::Duration time) { metrics->ObserveSpawn(time); };
  result.exit_took = [metrics](absl::Duration time) { metrics->ObserveExit(time); };
  return result;
}

v1::ServerLimits Limits(const Options& options, const MemoryBudget& memory) {
  v1::ServerLimits limits;
  limits.set_max_message_bytes(kMaxMessageBytes);
  limits.set_default_retain_bytes(Command().retain_bytes);
  limits.set_max_retain_bytes(64 << 20);
  limits.set_max_ended_processes(options.max_ended_processes);
  limits.set_max_events(options.max_events);
  limits.set_max_sessions(options.max_sessions);
  limits.set_max_processes(options.max_processes);
  limits.set_max_processes_per_session(options.max_processes_per_session);
  limits.set_max_output_bytes_per_session(options.max_output_bytes_per_session);
  *limits.mutable_spawn_timeout() = wire::ToProto(options.spawn_timeout);
  limits.set_max_memory_bytes(memory.most());
  if (options.state_dir != "none") limits.set_max_output_on_disk_bytes(options.max_output_on_disk);
  limits.set_max_connections(options.connections.connections);
  limits.set_max_connections_per_peer(options.connections.of_peer);
  *limits.mutable_handshake_timeout() = wire::ToProto(options.handshake_timeout);
  return limits;
}

void LogCgroup(const ProcessTrees& trees) {
  const auto path = trees.cgroup();
  if (path.ok()) {
    spdlog::info("cgroup path={} controllers={}", *path, absl::StrJoin(trees.controllers(), ","));
  } else {
    spdlog::info("no cgroup reason=\"{}\"", absl::CEscape(std::string(path.status().message())));
  }
}

// What is known of the event log from its opening on.
v1::EventLogInfo EventLogFacts(const Options& options, const std::string& notice) {
  v1::EventLogInfo info;
  if (options.max_event_age != absl::InfiniteDuration()) {
    *info.mutable_max_age() = wire::ToProto(options.max_event_age);
  }
  info.set_durability("none");
  if (options.state_dir == "none") return info;
  info.set_path(absl::StrCat(options.state_dir, "/events.db"));
  info.set_durability(options.durability == Durability::kPower ? "power" : "process");
  info.set_notice(notice);
  return info;
}

// `notice` is what whoever runs the server has to know of the opening.
absl::StatusOr<std::unique_ptr<EventLog>> OpenEventLog(const Options& options,
                                                       std::string* notice) {
  const EventLog::Options kept = {.max_events = static_cast<size_t>(options.max_events),
                                  .max_age = options.max_event_age,
                                  .recorder = options.durability == Durability::kPower};
  if (options.state_dir == "none") return std::make_unique<EventLog>(kept);
  ASSIGN_OR_RETURN(auto store, SqliteEventStore::Open(options.state_dir, options.durability));
  RETURN_IF_ERROR(SetSpawnFence(store->fence()));
  *notice = store->notice();
  if (!notice->empty()) spdlog::error("{}", *notice);
  auto log = EventLog::Open(kept, std::move(store), wire::MakeEventCodec());
  if (!log.ok()) return log.status();
  spdlog::info("event log path={}/events.db log_id={} last={}", options.state_dir, (*log)->log_id(),
               (*log)->range().last);
  return log;
}

// Where the output of ended processes is kept; null if nowhere. A server that can keep none serves
// nevertheless.
std::shared_ptr<OutputStore> OpenOutputStore(const Options& options) {
  if (options.state_dir == "none") return nullptr;
  const std::string directory = absl::StrCat(options.state_dir, "/output");
  if (options.max_output_on_disk == 0) {
    OutputStore::Clear(directory);
    return nullptr;
  }
  auto store = OutputStore::Open({.directory = directory,
                                  .max_bytes = options.max_output_on_disk,
                                  .durable = options.durability == Durability::kPower});
  if (store.ok()) return *std::move(store);
  spdlog::error("no output is kept on disk: {}", std::string(store.status().message()));
  return nullptr;
}

// Without TLS the TCP listeners need a token.
TlsOptions TlsOptionsOf(const Options& options) {
  if (!options.insecure) return {options.tls_cert, options.tls_key, options.tls_client_ca, ""};
  const bool tcp =
      absl::c_any_of(options.listen, [](const ListenAddress& address) { return !address.is_unix; });
  if (!tcp) return {};
  return {.token_file =
              options.token_file.empty() ? options.state_dir + "/token" : options.token_file};
}

// The token in `file`, or else in that of this name in the state directory; "" where there is
// neither.
absl::StatusOr<std::string> LoadToken(const Options& options, const std::string& file,
                                      const char* name) {
  if (!file.empty()) return http::LoadOrMakeToken(file);
  if (options.state_dir == "none") return "";
  return http::LoadOrMakeToken(absl::StrCat(options.state_dir, "/", name));
}

// Takes messages as they are, and nothing that has to be inflated: gRPC (1.51) checks a message's
// size after that, and 1.5 MiB can be made 1.6 GiB. A call that says that it is compressed is
// answered UNIMPLEMENTED, with what is taken (grpc-accept-encoding), before its first message is
// looked at; without the filter that inflates, no other way leads there.
void RefuseCompression(grpc::ServerBuilder* builder) {
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder->AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
}

// Whether the threads of all sessions can be waited for. That of a closed one ends with its last
// caller, which gRPC's shutdown ends. That of another one waits for a process that cannot be
// killed, or is stuck itself.
absl::Status CheckEnding(const SessionRegistry& sessions) {
  std::vector<std::string> left;
  for (const auto& thread : sessions.Threads()) {
    if (!thread.closed || thread.turn_time > kLongTurn) left.push_back(thread.id);
  }
  if (left.empty()) return absl::OkStatus();
  return absl::DeadlineExceededError(
      absl::StrCat("sessions were left that do not end: ", absl::StrJoin(left, ", ")));
}

}  // namespace

// In the order in which they are made; they go in the reverse order.
struct Server::Parts {
  explicit Parts(EventLoop* main_loop) : greedy(main_loop) {}

  std::string notice;  // of the event log's opening
  std::unique_ptr<TcpCredentials> tls;
  std::unique_ptr<FreedMemory> freed_memory;
  std::unique_ptr<EventHub> hub;
  http::Logins logins;
  std::unique_ptr<ProcessService> process_service;
  std::unique_ptr<SessionService> session_service;
  std::unique_ptr<EventService> event_service;
  std::unique_ptr<ServerService> server_service;
  std::unique_ptr<Handover> handover;
  std::unique_ptr<grpc::Server> grpc;
  SilentPeers peers;
  GreedyPeers greedy;
  LoopHandle look_timer;
  std::vector<std::unique_ptr<Acceptor>> acceptors;
  std::unique_ptr<StuckThreads> stuck;
  const std::shared_ptr<ListenerLoad> http_load = std::make_shared<ListenerLoad>("http");
  std::unique_ptr<http::HttpServer> http;
};

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
      parts_(std::make_unique<Parts>(main_loop_.get())) {
  events_->SetMeter([this](absl::Duration time) { metrics_.ObserveCommit(time); });
}

Server::~Server() {
  tick_timer_.Cancel();
  (void)SetSpawnFence(-1);
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Options& options,
                                                      std::shared_ptr<EventLoop> main_loop,
                                                      Ended ended) {
  SetSpawnTimeout(options.spawn_timeout);
  // What no session could use is told now, not at the first session.
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
  auto hub =
      EventHub::Start(events_.get(), [this](const Event& event) { metrics_.Observe(event); });
  if (!hub.ok()) return hub.status();
  parts_->hub = *std::move(hub);
  parts_->freed_memory = std::make_unique<FreedMemory>(main_loop_.get(), &sessions_.memory());
  RETURN_IF_ERROR(sessions_.Restore());
  parts_->process_service = std::make_unique<ProcessService>(&sessions_, parts_->hub.get(), trees_);
  parts_->session_service = std::make_unique<SessionService>(&sessions_);
  parts_->event_service = std::make_unique<EventService>(parts_->hub.get(), &sessions_);
  parts_->server_service = std::make_unique<ServerService>(
      &sessions_, events_.get(),
      ServerService::Facts{Limits(options_, sessions_.memory()),
                           EventLogFacts(options_, parts_->notice), trees_,
                           [this](absl::Duration grace) { Drain(grace); }, &parts_->logins});

  // Never undone. gRPC's own end waits for the threads of its timers, and for ever if the
  // machine was once short of processes: it then counts one that it could not make.
  grpc_init();
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  // Named, so that it is linked: reflection has no descriptor of health otherwise.
  (void)grpc::health::v1::HealthCheckRequest::descriptor();
  grpc::channelz::experimental::InitChannelzService();
  grpc::ServerBuilder builder;
  builder.RegisterService(parts_->process_service.get());
  builder.RegisterService(parts_->session_service.get());
  builder.RegisterService(parts_->event_service.get());
  builder.RegisterService(parts_->server_service.get());
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  RefuseCompression(&builder);
  // Clients may ask every 10 s whether we live, also while nothing is under way.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);

  // That of TLS and that of HTTP/2, until the caller's first frame.
  builder.AddChannelArgument(
      GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
      static_cast<int>(absl::ToInt64Milliseconds(options_.handshake_timeout)));

  auto handover = Handover::Start();
  if (!handover.ok()) return handover.status();
  parts_->handover = *std::move(handover);
  auto tls = TcpCredentials::Load(TlsOptionsOf(options_));
  if (!tls.ok()) return tls.status();
  parts_->tls = *std::move(tls);
  for (const ListenAddress& address : options_.listen) {
    const std::shared_ptr<grpc::ServerCredentials> credentials =
        address.is_unix ? grpc::InsecureServerCredentials() : parts_->tls->credentials();
    ASSIGN_OR_RETURN(auto listeners, Listener::Open(address, /*public_allowed=*/!options_.insecure,
                                                    options_.socket_group));
    for (auto& listener : listeners) {
      auto connections = builder.experimental().AddExternalConnectionAcceptor(
          grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, credentials);
      parts_->acceptors.push_back(std::make_unique<Acceptor>(
          main_loop_.get(), std::move(listener), options_.connections,
          Acceptor::TcpParts{&parts_->peers, &parts_->greedy, parts_->handover.get()},
          std::move(connections)));
    }
  }
  parts_->grpc = builder.BuildAndStart();
  if (parts_->grpc == nullptr) return absl::InternalError("gRPC does not start");
  auto* health = parts_->grpc->GetHealthCheckService();
  for (const char* name :
       {v1::ProcessService::service_full_name(), v1::SessionService::service_full_name(),
        v1::EventService::service_full_name(), v1::ServerService::service_full_name()}) {
    health->SetServingStatus(name, true);
  }
  for (const auto& acceptor : parts_->acceptors) {
    RETURN_IF_ERROR(acceptor->Start());
  }
  BeginLooks();
  LookAround();
  Tick();
  return BeginHttp();
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
    if (!draining_) parts_->grpc->GetHealthCheckService()->SetServingStatus(status.ok());
  });
}

void Server::LookAround() {
  parts_->look_timer = main_loop_->CallLater(parts_->peers.period(), [this] {
    for (const std::string& peer : parts_->peers.CutSilent(absl::Now())) {
      spdlog::warn("connection given up, because its peer acknowledges nothing peer={}", peer);
    }
    for (const auto& acceptor : parts_->acceptors) acceptor->ForgetClosed();
    if (MemoryReserveSpent()) {
      spdlog::error("out of memory: the reserve was used{}",
                    HoldMemoryReserve() ? ", and is there again" : "");
    }
    LookAround();
  });
}

// The HTTP side is a client like any other, but for the wire.
absl::Status Server::BeginHttp() {
  if (!options_.http.has_value()) return absl::OkStatus();
  auto token = LoadToken(options_, options_.http_token_file, "http-token");
  if (!token.ok()) return token.status();
  ASSIGN_OR_RETURN(auto metrics_token,
                   LoadToken(options_, options_.metrics_token_file, "metrics-token"));
  if (metrics_token == *token && !token->empty()) {
    return absl::FailedPreconditionError(
        "--metrics-token-file: the token of --http-token-file, which opens everything; make it "
        "another one");
  }
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  http::HttpLimits limits;
  limits.connections = std::min(limits.connections, options_.connections.connections);
  limits.of_peer = options_.connections.of_peer;
  limits.stranger_time = options_.handshake_timeout;
  auto http = http::HttpServer::Start(
      {.host = options_.http->host,
       .port = options_.http->port,
       .allowed_hosts = options_.http_hosts,
       .token = *std::move(token),
       .metrics_token = std::move(metrics_token),
       .actions = options_.http_actions,
       .limits = limits,
       .load = parts_->http_load},
      &parts_->logins, parts_->grpc->InProcessChannel(arguments),
      [this] { return metrics_.Render(); },
      [this] {
        const absl::Status ready = CheckReady(sessions_, *events_);
        return ready.ok() ? parts_->stuck->Check() : ready;
      });
  if (!http.ok()) return http.status();
  parts_->http = *std::move(http);
  return absl::OkStatus();
}

std::optional<http::LoginLink> Server::NewDashboardLink(http::Role role) {
  auto link = parts_->logins.NewLink(role);
  if (!link.ok()) return std::nullopt;
  return *std::move(link);
}

// On the http thread, which begins when all acceptors are there, and ends before they go.
Gauges Server::ReadNow() const {
  std::vector<const ListenerLoad*> listeners;
  for (const auto& acceptor : parts_->acceptors) listeners.push_back(&acceptor->load());
  listeners.push_back(parts_->http_load.get());
  return ReadGauges(sessions_, *events_, *parts_->hub, listeners);
}

std::vector<std::string> Server::Addresses() const {
  std::vector<std::string> addresses;
  for (const auto& acceptor : parts_->acceptors) {
    addresses.push_back(acceptor->listener().address());
  }
  return addresses;
}

void Server::Drain(absl::Duration grace) {
  (void)main_loop_->CallSoonThreadsafe([this, grace] { DrainOnMain(grace); });
}

void Server::DrainOnMain(absl::Duration grace) {
  if (std::exchange(draining_, true)) return KillAll();
  if (grace == absl::ZeroDuration()) grace = options_.drain_grace;
  parts_->grpc->GetHealthCheckService()->SetServingStatus(false);
  kill_timer_ = main_loop_->CallLater(grace, [this] { KillAll(); });
  SessionClose close;
  close.graceful = true;
  close.longest_grace = grace * kStopShare;
  close.request = {ExitCause::kServerShutdown, ""};
  close.reason = kShutdownReason;
  sessions_.Drain(close, [this] { (void)main_loop_->CallSoonThreadsafe([this] { End(true); }); });
}

void Server::KillAll() {
  if (give_up_timer_.pending()) return;
  give_up_timer_ = main_loop_->CallLater(kGiveUpAfterKill, [this] { End(false); });
  SessionClose close;
  close.request = {ExitCause::kServerShutdown, ""};
  close.reason = kShutdownReason;
  sessions_.Drain(close, [] {});
}

void Server::Tick() {
  absence_->Tick();
  // Orphans stay zombies for a second at most; a look costs one system call.
  if (adopts_orphans_ && ++ticks_ % kTicksOfOrphans == 0) ReapStrangers();
  tick_timer_ = main_loop_->CallLater(Absence::kTick, [this] { Tick(); });
}

void Server::End(bool clean) {
  kill_timer_.Cancel();
  give_up_timer_.Cancel();
  if (Ended ended = std::exchange(ended_, nullptr)) ended(clean);
}

void Server::Reload() {
  if (!parts_->tls->any()) {
    spdlog::info("reload: there are no TLS files, and nothing else is read again");
  } else if (absl::Status status = parts_->tls->Reload(); !status.ok()) {
    spdlog::error("reload: {}; what was in force stays so", std::string(status.message()));
  } else {
    spdlog::info("reloaded tls-cert={} tls-key={} tls-client-ca={}", options_.tls_cert,
                 options_.tls_key, options_.tls_client_ca);
  }
}

absl::Status Server::Shutdown(ShutdownBound& bound) {
  parts_->stuck->End();
  parts_->look_timer.Cancel();
  parts_->hub->EndStreams();
  bound.Enter("http");
  if (parts_->http != nullptr) parts_->http->Stop();
  std::vector<AcceptedSockets> sockets;
  for (const auto& acceptor : parts_->acceptors) sockets.emplace_back(acceptor->listener().fd());
  parts_->acceptors.clear();
  parts_->handover->Stop();
  // A caller who was stopped in the middle of a message: gRPC would wait for it for ever.
  // The timer goes with the hub, which may only come to this when it is about to end.
  parts_->hub->Post([loop = parts_->hub->loop().get(), sockets = std::move(sockets)] {
    loop->CallLater(kLastWords + kCancelled, [sockets] {
      for (const AcceptedSockets& each : sockets) each.ShutDown();
    });
  });
  // Every call ends before gRPC's shutdown begins: from then on gRPC (1.51) closes a connection
  // with the last call on it, and a client that meets that end while it writes (EPIPE) forgets
  // what it has not read. What was said before the shutdown is read before a connection closes.
  const absl::Time deadline = absl::Now() + kLastWords;
  bound.Enter("callers");
  const bool told = parts_->hub->AwaitStreams(deadline) && sessions_.Join(deadline);
  if (!told) spdlog::warn("callers were left that did not take their last words");
  RETURN_IF_ERROR(CheckEnding(sessions_));
  bound.Enter("gRPC, to end its calls");
  parts_->grpc->Shutdown(absl::ToChronoTime(deadline));
  parts_->grpc->Wait();
  bound.Enter("the threads of sessions");
  sessions_.Join();
  if (sessions_.outputs() != nullptr) {
    bound.Enter("the disk, to keep output");
    if (!sessions_.outputs()->Flush(absl::Now() + kLastWords)) {
      spdlog::warn("output was left that the disk did not take in time");
    }
  }
  bound.Enter("the parts of the server");
  parts_.reset();
  return absl::OkStatus();
}

}  // namespace proctor::server
