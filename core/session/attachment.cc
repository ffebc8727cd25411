#include "core/session/attachment.h"

#include <utility>

#include "absl/synchronization/notification.h"
#include "core/loop/loop_error.h"

namespace proctor {
namespace {

struct Answer {
  absl::Notification given;
  absl::Status status = LoopClosedError();
};

// Gives an answer once, at the latest when it ends: a callback that a closed loop has
// dropped is answered, too.
class Reply {
 public:
  explicit Reply(std::shared_ptr<Answer> answer) : answer_(std::move(answer)) {}
  Reply(Reply&&) = default;
  Reply& operator=(Reply&&) = delete;
  ~Reply() {
    if (answer_ != nullptr) answer_->given.Notify();
  }

  void Give(absl::Status status) {
    answer_->status = std::move(status);
    std::exchange(answer_, nullptr)->given.Notify();
  }

 private:
  std::shared_ptr<Answer> answer_;
};

}  // namespace

absl::Status AttachIfInactive(const std::shared_ptr<ChildWatcher>& watcher,
                              const std::shared_ptr<EventLoop>& main_loop) {
  if (main_loop == nullptr || watcher->IsActive()) return absl::OkStatus();
  auto running = GetRunningLoop();
  if (running.ok() && *running == main_loop) return watcher->AttachLoop(main_loop);
  auto answer = std::make_shared<Answer>();
  // Refused or dropped, the reply says so.
  (void)main_loop->CallSoonThreadsafe([watcher, main_loop, reply = Reply(answer)]() mutable {
    reply.Give(watcher->AttachLoop(main_loop));
  });
  answer->given.WaitForNotification();
  return std::move(answer->status);  // the reply may outlive this, and has no more to do with it
}

}  // namespace proctor
