// How a server ends: its draining, and its shutdown.
//
// Drain      health says NOT_SERVING, the registry refuses sessions and starts
//            every session closes by its processes' stop policies, at 80 % of the grace at the
//            latest by SIGKILL; streams end with OutputDrained
//            a second signal, or the end of the grace, kills at once; a process that does not
//            even die of SIGKILL delays the end by 5 s, and makes the exit code 1
// Shutdown   event streams end with UNAVAILABLE after the last event
//            the HTTP side passes that on and ends
//            the listeners close
//            gRPC shuts down: 5 s for slow readers, then their sockets
//            the threads of the sessions are joined
//
// No wait is without an end. A session whose thread cannot end, because its process is not to be
// reaped or it is stuck itself, is named in the log, and the process leaves without destructors
// (LeaveProcess). ShutdownBound does the same for any step that waits too long.

#include <spdlog/spdlog.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "core/base/return_if_error.h"
#include "server/daemon/server.h"
#include "server/daemon/server_parts.h"

namespace proctor::server {
namespace {

// The part of the drain grace after which processes that ignore their stop policy
// are killed, so that the rest is left for their output.
constexpr double kStopShare = 0.8;

// How long a process that does not even die of SIGKILL (in the kernel, on a dead
// disk) can delay the end of the server.
constexpr absl::Duration kGiveUpAfterKill = absl::Seconds(5);

// How long callers have, at the end, to take their last messages.
constexpr absl::Duration kLastWords = absl::Seconds(5);

// How long gRPC has then to end what it cancels.
constexpr absl::Duration kCancelled = absl::Seconds(1);

// Whether the threads of all sessions can be joined. The thread of a closed session ends with its
// last caller, which gRPC's shutdown ends. Any other waits for a process that cannot be killed, or
// is stuck itself.
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

void Server::Drain(absl::Duration grace) {
  (void)main_loop_->CallSoonThreadsafe([this, grace] { DrainOnMain(grace); });
}

void Server::DrainOnMain(absl::Duration grace) {
  if (std::exchange(draining_, true)) return KillAll();
  if (grace == absl::ZeroDuration()) grace = options_.drain_grace;
  parts_->grpc->SetServing(false);
  kill_timer_ = main_loop_->CallLater(grace, [this] { KillAll(); });
  SessionClose close;
  close.graceful = true;
  close.longest_grace = grace * kStopShare;
  close.request = {ExitCause::kServerShutdown, ""};
  close.reason = CloseReason::kServerShutdown;
  sessions_.Drain(close, [this] { (void)main_loop_->CallSoonThreadsafe([this] { End(true); }); });
}

void Server::KillAll() {
  if (give_up_timer_.pending()) return;
  give_up_timer_ = main_loop_->CallLater(kGiveUpAfterKill, [this] { End(false); });
  SessionClose close;
  close.request = {ExitCause::kServerShutdown, ""};
  close.reason = CloseReason::kServerShutdown;
  sessions_.Drain(close, [] {});
}

void Server::End(bool clean) {
  kill_timer_.Cancel();
  give_up_timer_.Cancel();
  if (Ended ended = std::exchange(ended_, nullptr)) ended(clean);
}

absl::Status Server::Shutdown(ShutdownBound& bound) {
  parts_->stuck->End();
  parts_->look_timer.Cancel();
  parts_->hub->EndStreams();
  bound.Enter("http");
  if (parts_->http != nullptr) parts_->http->Stop();
  std::vector<AcceptedSockets> sockets = parts_->grpc->StopAccepting();
  // gRPC would wait for ever for a caller that was stopped in the middle of a message. The timer
  // goes with the hub, which may run this only when it is about to end.
  parts_->hub->Post([loop = parts_->hub->loop().get(), sockets = std::move(sockets)] {
    loop->CallLater(kLastWords + kCancelled, [sockets] {
      for (const AcceptedSockets& each : sockets) each.ShutDown();
    });
  });
  // Every call ends before gRPC's shutdown begins. From then on gRPC (1.51) closes a connection
  // with the last call on it. A client that meets that end while it writes (EPIPE) forgets what it
  // has not read. A client reads what was sent before the shutdown before its connection closes.
  const absl::Time deadline = absl::Now() + kLastWords;
  bound.Enter("callers");
  const bool told = parts_->hub->AwaitStreams(deadline) && sessions_.Join(deadline);
  if (!told) spdlog::warn("callers were left that did not take their last words");
  RETURN_IF_ERROR(CheckEnding(sessions_));
  bound.Enter("gRPC, to end its calls");
  parts_->grpc->Shutdown(deadline);
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
