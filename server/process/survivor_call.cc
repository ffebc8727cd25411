#include "server/process/survivor_call.h"

#include <signal.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "proctor/error.h"
#include "server/call/refusals.h"
#include "server/call/unkillable.h"
#include "server/wire/process.h"
#include "server/wire/status.h"

namespace proctor::server {
namespace {

constexpr absl::Duration kRetry = absl::Seconds(1);  // when the server is short of descriptors

// The steps of a stop. They need no call, so that they go on without one.
struct Ladder {
  EventLoop* loop;  // the hub's; the steps run on its thread
  SessionRegistry* sessions;
  std::shared_ptr<const ProcessInfo> info;
  std::string by;
};

// Tried again for as long as a call waits for it.
void Kill(const Ladder& ladder, absl::Duration until) {
  const absl::Status sent = ladder.sessions->SignalSurvivors(*ladder.info, {SIGKILL}, ladder.by);
  if (sent.ok() || absl::IsNotFound(sent)) return;
  ladder.loop->ReportError({"kill what a lost server has left", sent});
  if (ladder.loop->Time() >= until) return;
  ladder.loop->CallLater(kRetry, [ladder, until] { Kill(ladder, until); });
}

void Stop(const Ladder& ladder, const StopPolicy& policy) {
  const absl::Duration kill_at = ladder.loop->Time() + policy.grace;
  if (policy.grace <= absl::ZeroDuration()) return Kill(ladder, kill_at + kUnkillable);
  // A stopped process could not act on the signal. When it cannot be sent, the steps go on.
  (void)ladder.sessions->SignalSurvivors(*ladder.info, {.number = policy.signal, .resume = true},
                                         ladder.by);
  ladder.loop->CallAt(kill_at, [ladder, kill_at] { Kill(ladder, kill_at + kUnkillable); });
}

class SurvivorCall : public grpc::ServerUnaryReactor {
 public:
  SurvivorCall(CallLabel label, SessionRegistry* sessions, EventHub* hub,
               std::shared_ptr<const ProcessInfo> info, SurvivorWish wish)
      : label_(std::move(label)),
        sessions_(sessions),
        hub_(hub),
        info_(std::move(info)),
        wish_(std::move(wish)) {
    hub_->AddUser();
    hub_->Post([this] { Begin(); });
  }

  void OnCancel() noexcept override {
    hub_->Post([this] { Answer(grpc::Status(grpc::StatusCode::CANCELLED, "the caller left")); });
  }

  void OnDone() noexcept override {
    hub_->Post([this] {
      EventHub* const hub = hub_;
      delete this;
      hub->ReleaseUser();
    });
  }

 private:
  void Begin() {
    if (hub_->ending()) return OnEnding();
    end_listener_ = hub_->AddEndListener([this] { OnEnding(); });
    EventLoop* const loop = hub_->loop().get();
    if (wish_.stop.has_value()) Stop({loop, sessions_, info_, wish_.by}, *wish_.stop);
    Await();
    if (answered_) return;
    if (wish_.limit <= absl::ZeroDuration()) return OnTimeout();
    timer_ = loop->CallLater(wish_.limit, [this] { OnTimeout(); });
  }

  void Await() {
    tree_ = sessions_->FindSurvivors(*info_);
    if (tree_ == nullptr) return Conclude();
    const absl::Status awaited = tree_->AwaitEmpty(
        hub_->loop().get(), {.on_empty = [this] { Conclude(); }, .on_members = nullptr});
    if (awaited.ok()) return;
    hub_->loop()->ReportError({"wait for the end of what a lost server has left", awaited});
    AwaitLater();
  }

  void AwaitLater() {
    retry_ = hub_->loop()->CallLater(kRetry, [this] { Await(); });
  }

  void Conclude() {
    // The first look records the end; FindProcess finds it then.
    (void)sessions_->LookAtSurvivors(info_);
    auto now = sessions_->FindProcess(info_->id);
    if (!now.ok()) return Answer(wire::ToGrpc(now.status()));
    if (!now->info->tree_empty) return AwaitLater();  // the look failed
    wish_.fill(wire::ToProto(*now->info));
    Answer(grpc::Status::OK);
  }

  void OnTimeout() {
    const auto left = sessions_->LookAtSurvivors(info_);
    const auto now = sessions_->FindProcess(info_->id);
    // The end may have come in the same turn.
    if (!now.ok() || now->info->tree_empty) return Conclude();
    const bool stops = wish_.stop.has_value();
    Answer(wire::ToGrpc(MakeError(
        absl::StatusCode::kDeadlineExceeded, stops ? Reason::kStopTimeout : Reason::kWaitTimeout,
        absl::StrCat(stops ? "stop" : "wait for", " process '", info_->id, "' (pid ", info_->pid,
                     "), which was lost with its server: what it left runs on (", left->survivors,
                     ") after ", absl::FormatDuration(wish_.limit)),
        {{"process_id", info_->id}, {"pid", absl::StrCat(info_->pid)}})));
  }

  void OnEnding() {
    Answer(wire::ToGrpc(MakeError(absl::StatusCode::kUnavailable, Reason::kServerDraining,
                                  absl::StrCat("the server is shutting down, and leaves what runs "
                                               "on of process '",
                                               info_->id, "'"),
                                  {{"process_id", info_->id}})));
  }

  // The first time that it is called. May be within a call of the tree, which allows its end.
  void Answer(const grpc::Status& status) {
    if (std::exchange(answered_, true)) return;
    timer_.Cancel();
    retry_.Cancel();
    hub_->RemoveEndListener(end_listener_);
    tree_.reset();
    Refusals::Get().Note(label_.rpc, status, [this] { return label_.caller; });
    Finish(status);
  }

  const CallLabel label_;
  SessionRegistry* const sessions_;
  EventHub* const hub_;
  const std::shared_ptr<const ProcessInfo> info_;
  const SurvivorWish wish_;

  // The hub's thread.
  bool answered_ = false;
  std::unique_ptr<ProcessTree> tree_;
  uint64_t end_listener_ = 0;
  LoopHandle timer_;
  LoopHandle retry_;
};

}  // namespace

grpc::ServerUnaryReactor* NewSurvivorCall(const CallLabel& label, SessionRegistry* sessions,
                                          EventHub* hub, std::shared_ptr<const ProcessInfo> info,
                                          SurvivorWish wish) {
  return new SurvivorCall(label, sessions, hub, std::move(info), std::move(wish));
}

}  // namespace proctor::server
