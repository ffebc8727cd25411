#include "server/session/session_calls.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proctor/error.h"
#include "server/call/late_call.h"
#include "server/call/unkillable.h"

namespace proctor::server {
namespace {

// The most names of what is left.
constexpr size_t kMostNamed = 20;

// Closes a session, and waits until it is closed or nothing more of it comes to its end.
class CloseCall : public LateCall {
 public:
  CloseCall(CallLabel label, SessionRegistry* sessions, std::string session_id, SessionClose close,
            std::function<void(const SessionInfo&)> fill)
      : LateCall(std::move(label)),
        sessions_(sessions),
        session_id_(std::move(session_id)),
        close_(std::move(close)),
        fill_(std::move(fill)) {}

  void Begin() {
    auto session = sessions_->FindLive(session_id_);
    if (session != nullptr) {
      // Closed it will be, also if the caller is gone.
      const absl::Status entered = Enter(session, [this, session](bool cancelled) {
        Watch(session.get());
        if (cancelled) Answer(grpc::Status::CANCELLED);
      });
      if (entered.ok()) return;
    }
    auto info = sessions_->GetInfo(session_id_);
    if (!info.ok()) return Answer(info.status());
    fill_(*info);
    Answer(absl::OkStatus());
  }

 private:
  void Watch(SessionContext* session) {
    session_ = session;
    listener_ = session_->AddClosedListener([this] { OnClosed(); });
    left_ = session_->ListUnended().size();
    const absl::Duration longest = session_->LongestGrace(close_);
    timer_ = session_->loop()->CallLater(longest + kUnkillable, [this] { OnLate(); });
    (void)session_->Close(close_, [] {});  // a user's post is never refused
    if (session_->Info().state == SessionState::kClosed) OnClosed();
  }

  void OnClosed() {
    if (answered()) return;
    fill_(session_->Info());
    Answer(absl::OkStatus());
  }

  // A slow machine with many to end is no reason to give up, as long as some end.
  void OnLate() {
    const std::vector<ProcessInfo> left = session_->ListUnended();
    if (left.size() < left_) {
      left_ = left.size();
      timer_ = session_->loop()->CallLater(kUnkillable, [this] { OnLate(); });
      return;
    }
    std::vector<std::string> named;
    std::vector<pid_t> pids;
    for (const ProcessInfo& info : left) {
      if (named.size() == kMostNamed) break;
      const char* what = info.state == ProcessState::kRunning  ? ""
                         : info.state == ProcessState::kExited ? ", whose output is open"
                                                               : ", whose descendants run";
      named.push_back(absl::StrCat("'", info.id, "' (pid ", info.pid, what, ")"));
      pids.push_back(info.pid);
    }
    if (named.size() < left.size()) named.push_back("and others");
    Answer(MakeError(absl::StatusCode::kDeadlineExceeded, Reason::kCloseTimeout,
                     absl::StrCat("close session '", session_id_, "': ", left.size(),
                                  " processes have not ended: ", absl::StrJoin(named, ", "),
                                  "; the session goes on closing"),
                     {{"session_id", session_id_},
                      {"left", absl::StrCat(left.size())},
                      {"pids", absl::StrJoin(pids, " ")}}));
  }

  std::string DebugString() const override {
    return absl::StrCat(label().DebugString(), ": waits for ", left_, " processes");
  }

  void OnAnswered() override {
    timer_.Cancel();
    if (session_ != nullptr) session_->RemoveClosedListener(listener_);
  }

  SessionRegistry* const sessions_;
  const std::string session_id_;
  const SessionClose close_;
  const std::function<void(const SessionInfo&)> fill_;
  SessionContext* session_ = nullptr;  // the strand's
  uint64_t listener_ = 0;
  size_t left_ = 0;  // when it was looked at last
  LoopHandle timer_;
};

}  // namespace

grpc::ServerUnaryReactor* NewCloseCall(SessionRegistry* sessions,
                                       grpc::CallbackServerContext* context,
                                       const std::string& session_id, const SessionClose& close,
                                       std::function<void(const SessionInfo&)> fill) {
  auto* call = new CloseCall(CallLabel("CloseSession", *context), sessions, session_id, close,
                             std::move(fill));
  call->Begin();
  return call;
}

}  // namespace proctor::server
