#include "server/daemon/grpc_side.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security_constants.h>
#include <grpcpp/ext/channelz_service_plugin.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "absl/algorithm/container.h"
#include "absl/time/clock.h"
#include "core/base/return_if_error.h"
#include "grpc/health/v1/health.pb.h"
#include "server/daemon/server_facts.h"
#include "server/event/event_service.h"
#include "server/net/acceptor.h"
#include "server/net/tcp_credentials.h"
#include "server/process/process_service.h"
#include "server/session/session_service.h"

namespace proctor::server {
namespace {

// Without TLS the TCP listeners need a token.
TlsOptions TlsOptionsOf(const Options& options) {
  if (!options.insecure) return {options.tls_cert, options.tls_key, options.tls_client_ca, ""};
  const bool tcp =
      absl::c_any_of(options.listen, [](const ListenAddress& address) { return !address.is_unix; });
  if (!tcp) return {};
  return {.token_file =
              options.token_file.empty() ? options.state_dir + "/token" : options.token_file};
}

// Takes no compressed messages: gRPC (1.51) checks a message's size after it is inflated, and 1.5
// MiB can become 1.6 GiB. A call that says that it is compressed is answered UNIMPLEMENTED, with
// the accepted encodings (grpc-accept-encoding), before its first message is read. Without the
// filter that inflates, there is no other way to it.
void RefuseCompression(grpc::ServerBuilder* builder) {
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder->AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
}

// Reflection, health and channelz, for all servers of this process.
void InitPlugins() {
  // Never undone. gRPC's own end waits for the threads of its timers, and for ever if the
  // machine was once short of processes: it then counts one that it could not make.
  grpc_init();
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  // Named, so that it is linked: reflection has no descriptor of health otherwise.
  (void)grpc::health::v1::HealthCheckRequest::descriptor();
  grpc::channelz::experimental::InitChannelzService();
}

}  // namespace

// In the order in which they are made; they go in the reverse order.
struct GrpcSide::Parts {
  Parts(EventLoop* main_loop, Behind behind)
      : process_service(behind.sessions, behind.hub, std::move(behind.trees)),
        session_service(behind.sessions),
        event_service(behind.hub, behind.sessions),
        server_service(behind.sessions, behind.events, std::move(behind.facts)),
        greedy(main_loop) {}

  std::unique_ptr<TcpCredentials> tls;
  ProcessService process_service;
  SessionService session_service;
  EventService event_service;
  ServerService server_service;
  std::unique_ptr<Handover> handover;
  std::unique_ptr<grpc::Server> grpc;
  SilentPeers peers;
  GreedyPeers greedy;
  std::vector<std::unique_ptr<Acceptor>> acceptors;
};

GrpcSide::GrpcSide(const Options& options, Behind behind)
    : options_(options),
      main_loop_(behind.main_loop),
      parts_(std::make_unique<Parts>(behind.main_loop, std::move(behind))) {}

GrpcSide::~GrpcSide() = default;

absl::StatusOr<std::unique_ptr<GrpcSide>> GrpcSide::Start(const Options& options, Behind behind) {
  std::unique_ptr<GrpcSide> side(new GrpcSide(options, std::move(behind)));
  RETURN_IF_ERROR(side->Begin());
  return side;
}

absl::Status GrpcSide::Begin() {
  InitPlugins();
  grpc::ServerBuilder builder;
  builder.RegisterService(&parts_->process_service);
  builder.RegisterService(&parts_->session_service);
  builder.RegisterService(&parts_->event_service);
  builder.RegisterService(&parts_->server_service);
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  RefuseCompression(&builder);
  // Clients may ask every 10 s whether we live, also while nothing is under way.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);

  // The handshakes of TLS and of HTTP/2, until the caller's first frame.
  builder.AddChannelArgument(
      GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
      static_cast<int>(absl::ToInt64Milliseconds(options_.handshake_timeout)));

  RETURN_IF_ERROR(Listen(builder));
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
  return absl::OkStatus();
}

absl::Status GrpcSide::Listen(grpc::ServerBuilder& builder) {
  auto handover = Handover::Start();
  if (!handover.ok()) return handover.status();
  parts_->handover = *std::move(handover);
  auto tls = TcpCredentials::Load(TlsOptionsOf(options_));
  if (!tls.ok()) return tls.status();
  parts_->tls = *std::move(tls);
  for (const ListenAddress& address : options_.listen) {
    const std::shared_ptr<grpc::ServerCredentials> credentials =
        address.is_unix ? grpc::InsecureServerCredentials() : parts_->tls->credentials();
    auto listeners =
        Listener::Open(address, /*public_allowed=*/!options_.insecure, options_.socket_group);
    if (!listeners.ok()) return listeners.status();
    for (auto& listener : *listeners) {
      auto connections = builder.experimental().AddExternalConnectionAcceptor(
          grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, credentials);
      parts_->acceptors.push_back(std::make_unique<Acceptor>(
          main_loop_, std::move(listener), options_.connections,
          Acceptor::TcpParts{&parts_->peers, &parts_->greedy, parts_->handover.get()},
          std::move(connections)));
    }
  }
  return absl::OkStatus();
}

void GrpcSide::SetServing(bool serving) {
  parts_->grpc->GetHealthCheckService()->SetServingStatus(serving);
}

void GrpcSide::Reload() {
  if (!parts_->tls->any()) {
    spdlog::info("reload: there are no TLS files, and nothing else is read again");
  } else if (absl::Status status = parts_->tls->Reload(); !status.ok()) {
    spdlog::error("reload: {}; what was in force stays so", std::string(status.message()));
  } else {
    spdlog::info("reloaded tls-cert={} tls-key={} tls-client-ca={}", options_.tls_cert,
                 options_.tls_key, options_.tls_client_ca);
  }
}

void GrpcSide::LookAtPeers() {
  for (const std::string& peer : parts_->peers.CutSilent(absl::Now())) {
    spdlog::warn("connection given up, because its peer acknowledges nothing peer={}", peer);
  }
  for (const auto& acceptor : parts_->acceptors) acceptor->ForgetClosed();
}

absl::Duration GrpcSide::look_period() const { return parts_->peers.period(); }

std::vector<std::string> GrpcSide::Addresses() const {
  std::vector<std::string> addresses;
  for (const auto& acceptor : parts_->acceptors) {
    addresses.push_back(acceptor->listener().address());
  }
  return addresses;
}

std::vector<const ListenerLoad*> GrpcSide::loads() const {
  std::vector<const ListenerLoad*> loads;
  for (const auto& acceptor : parts_->acceptors) loads.push_back(&acceptor->load());
  return loads;
}

std::shared_ptr<grpc::Channel> GrpcSide::NewChannel() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  return parts_->grpc->InProcessChannel(arguments);
}

std::vector<AcceptedSockets> GrpcSide::StopAccepting() {
  std::vector<AcceptedSockets> sockets;
  for (const auto& acceptor : parts_->acceptors) sockets.emplace_back(acceptor->listener().fd());
  parts_->acceptors.clear();
  parts_->handover->Stop();
  return sockets;
}

void GrpcSide::Shutdown(absl::Time deadline) {
  parts_->grpc->Shutdown(absl::ToChronoTime(deadline));
  parts_->grpc->Wait();
}

}  // namespace proctor::server
