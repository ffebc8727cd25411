#include "server/net/handover.h"

#include <grpcpp/server_builder.h>
#include <pthread.h>

#include <string>
#include <system_error>
#include <utility>

#include "server/net/failed_handshakes.h"

namespace proctor::server {

void GiveToGrpc(grpc::experimental::ExternalConnectionAcceptor& taker, int listener_fd, UniqueFd fd,
                std::string peer) {
  const HandshakePeer handshake(std::move(peer));
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
  parameters.listener_fd = listener_fd;
  parameters.fd = fd.Release();
  taker.HandleNewConnection(&parameters);
}

absl::StatusOr<std::unique_ptr<Handover>> Handover::Start() {
  std::unique_ptr<Handover> handover(new Handover);
  try {
    handover->thread_ = std::thread([raw = handover.get()] { raw->Run(); });
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(std::string("start the handover thread: ") + error.what());
  }
  return handover;
}

Handover::~Handover() {
  Stop();
  if (thread_.joinable()) thread_.join();
}

void Handover::Give(std::shared_ptr<Taker> taker, int listener_fd, UniqueFd fd, std::string peer) {
  absl::MutexLock lock(&mutex_);
  if (!stopped_) {
    waiting_.push_back({std::move(taker), listener_fd, std::move(fd), std::move(peer)});
  }
}

void Handover::Stop() {
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
  waiting_.clear();
}

void Handover::Run() {
  ::pthread_setname_np(::pthread_self(), "handover");
  for (;;) {
    Connection next;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(
          +[](Handover* self) ABSL_EXCLUSIVE_LOCKS_REQUIRED(self->mutex_) {
            return self->stopped_ || !self->waiting_.empty();
          },
          this));
      if (stopped_) return;
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
    GiveToGrpc(*next.taker, next.listener_fd, std::move(next.fd), std::move(next.peer));
  }
}

}  // namespace proctor::server
