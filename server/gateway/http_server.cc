#include "server/gateway/http_server.h"

#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <chrono>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "core/base/return_if_error.h"
#include "server/gateway/gateway.h"
#include "server/http/connection_slots.h"
#include "server/http/tcp_acceptor.h"
#include "server/listen/descriptor_reserve.h"
#include "server/listen/listener.h"
#include "server/listen/peer_address.h"
#include "server/listen/silent_peers.h"

namespace proctor::server::http {
namespace {

using Listeners = std::vector<std::unique_ptr<Listener>>;

// How long the last frames may take once all calls are over.
constexpr absl::Duration kLastWrites = absl::Seconds(1);

constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 21\r\n"
    "Retry-After: 5\r\nConnection: close\r\n\r\ntoo many connections\n";

// "127.0.0.1" of "127.0.0.1:80", "::1" of "[::1]:80".
std::string HostOf(const std::string& address) {
  std::string host = address.substr(0, address.rfind(':'));
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  return host;
}

uint16_t PortOf(const std::string& address) {
  uint32_t port = 0;
  (void)absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port);  // the kernel's own
  return static_cast<uint16_t>(port);
}

bool IsLoopback(const std::string& host) { return absl::StartsWith(host, "127.") || host == "::1"; }

absl::Duration Now() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

absl::StatusOr<Listeners> Listen(const HttpOptions& options) {
  auto listeners = Listener::Open({.host = options.host, .port = absl::StrCat(options.port)},
                                  /*public_allowed=*/true);
  if (!listeners.ok()) return listeners.status();
  // A name may have several addresses; the kernel would choose a port for each.
  if (options.port == 0) listeners->resize(1);
  for (const auto& listener : *listeners) {
    if (IsLoopback(HostOf(listener->address())) || !options.allowed_hosts.empty()) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("--http=", listener->address(),
                     ": plain HTTP on an address that others can reach; name the host by which "
                     "they come with --http-host, and put a TLS proxy before it"));
  }
  return listeners;
}

}  // namespace

// In the order in which they are made; they go in the reverse order, when nothing runs.
struct HttpServer::Parts {
  Parts(std::unique_ptr<HttpThread> http_thread, const HttpOptions& options)
      : thread(std::move(http_thread)),
        limits(options.limits),
        load(options.load),
        slots(limits.connections, limits.of_peer),
        peers(limits.silent_peers),
        look(thread.get()),
        patience(thread.get()) {}

  void Accept(UniqueFd fd);
  bool MakeRoom(int fd, const std::string& owner);
  bool Keep(Connection* connection);
  void Closed(Connection* connection);
  void LookAround();
  void BeginStop();
  void StopCalls();
  void CloseAll();
  void CheckEnded();

  const std::unique_ptr<HttpThread> thread;
  const HttpLimits limits;
  const std::shared_ptr<ListenerLoad> load;
  absl::Notification ended;

  // The http thread.
  CallSet calls{[this] { CheckEnded(); }};
  std::unique_ptr<Gateway> gateway;
  absl::flat_hash_set<Connection*> connections;
  ConnectionSlots slots;
  SilentPeers peers;
  std::vector<std::unique_ptr<TcpAcceptor>> acceptors;
  Timer look;  // at peers that are gone
  Timer patience;
  bool stopping = false;
};

// Whether a new connection may stay.
bool HttpServer::Parts::MakeRoom(int fd, const std::string& owner) {
  ConnectionSlots::Room room;
  if (TakesFromReserve(fd)) {
    room.refusal = Refusal::kDescriptors;
  } else {
    room = slots.Find(owner);
  }
  if (room.refusal.has_value()) load->Refuse(*room.refusal, owner, Now());
  if (room.leaves != nullptr) {
    load->Refuse(Refusal::kNoToken, slots.OwnerOf(room.leaves), Now());
    room.leaves->Close();
  }
  return !room.refusal.has_value();
}

void HttpServer::Parts::Accept(UniqueFd fd) {
  const sockaddr_storage peer = PeerAddress(fd.get());
  const std::string owner = PeerOwner(peer);
  if (!MakeRoom(fd.get(), owner)) {
    (void)::send(fd.get(), kFull.data(), kFull.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return;
  }
  auto connection =
      Connection::Make(thread.get(), limits,
                       {[this](const Request& request, std::shared_ptr<Exchange> answer) {
                          gateway->Handle(request, std::move(answer));
                        },
                        [this](Connection* known) { return Keep(known); },
                        [this](Connection* closed) { Closed(closed); }, PeerName(peer)});
  connections.insert(connection.get());
  slots.Add(connection.get(), owner);
  load->SetOpen(connections.size());
  peers.Add(fd.get());
  connection->Begin(std::move(fd));
}

bool HttpServer::Parts::Keep(Connection* connection) {
  if (slots.Keep(connection)) return true;
  load->Refuse(Refusal::kConnections, slots.OwnerOf(connection), Now());
  return false;
}

void HttpServer::Parts::Closed(Connection* connection) {
  connections.erase(connection);
  slots.Remove(connection);
  load->SetOpen(connections.size());
  CheckEnded();
}

// A viewer that is gone without a word takes no write, but the kernel takes hours of heartbeats.
void HttpServer::Parts::LookAround() {
  for (const std::string& peer : peers.CutSilent(absl::Now())) {
    spdlog::warn("connection given up, because its peer acknowledges nothing listener=http peer={}",
                 peer);
  }
  look.Set(peers.period(), [this] { LookAround(); });
}

void HttpServer::Parts::BeginStop() {
  stopping = true;
  look.Cancel();
  acceptors.clear();
  const auto open = connections;  // one that stops leaves
  for (Connection* connection : open) connection->Stop();
  patience.Set(limits.last_words, [this] { StopCalls(); });
  CheckEnded();
}

void HttpServer::Parts::StopCalls() {
  patience.Set(kLastWrites, [this] { CloseAll(); });
  calls.StopAll();
}

void HttpServer::Parts::CloseAll() {
  const auto open = connections;
  for (Connection* connection : open) connection->Close();
}

void HttpServer::Parts::CheckEnded() {
  if (!stopping || !connections.empty() || calls.size() > 0 || ended.HasBeenNotified()) return;
  patience.Cancel();
  ended.Notify();
}

HttpServer::HttpServer(HttpOptions options, std::string address, uint16_t port)
    : options_(std::move(options)), address_(std::move(address)), port_(port) {}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(
    HttpOptions options, Logins* logins, std::shared_ptr<grpc::Channel> channel,
    std::function<std::string()> metrics, std::function<absl::Status()> ready) {
  ASSIGN_OR_RETURN(auto listeners, Listen(options));
  ASSIGN_OR_RETURN(auto thread, HttpThread::Start());

  const std::string& address = listeners.front()->address();
  std::unique_ptr<HttpServer> server(new HttpServer(std::move(options), address, PortOf(address)));
  server->parts_ = std::make_unique<Parts>(std::move(thread), server->options_);
  Parts& parts = *server->parts_;

  AccessControl::Options access;
  access.bound_hosts.push_back(server->options_.host);
  access.port = server->port_;
  access.allowed_hosts = server->options_.allowed_hosts;
  access.token = server->options_.token;
  access.metrics_token = server->options_.metrics_token;
  access.actions = server->options_.actions;
  for (auto& listener : listeners) {
    access.bound_hosts.push_back(HostOf(listener->address()));
    parts.acceptors.push_back(
        std::make_unique<TcpAcceptor>(parts.thread.get(), std::move(listener),
                                      [&parts](UniqueFd fd) { parts.Accept(std::move(fd)); }));
  }
  parts.gateway = std::make_unique<Gateway>(
      parts.thread.get(), &parts.calls, std::move(access), logins,
      Gateway::Sources{std::move(channel), std::move(metrics), std::move(ready)});
  for (const auto& acceptor : parts.acceptors) {
    RETURN_IF_ERROR(acceptor->Start());
  }
  logins->OpenAt(server->site());
  parts.thread->Post([&parts] { parts.LookAround(); });
  return server;
}

HttpServer::~HttpServer() { Stop(); }

void HttpServer::Stop() {
  if (parts_ == nullptr) return;
  parts_->thread->Post([parts = parts_.get()] { parts->BeginStop(); });
  parts_->ended.WaitForNotification();
  parts_->thread->Stop();  // it may still be at the end of what notified us
  parts_.reset();
}

std::string HttpServer::site() const {
  const std::string host = HostOf(address_);
  const bool is_any = host == "0.0.0.0" || host == "::";
  if (!is_any || options_.allowed_hosts.empty()) return absl::StrCat("http://", address_, "/");
  return absl::StrCat("http://", options_.allowed_hosts.front(), ":", port_, "/");
}

}  // namespace proctor::server::http
