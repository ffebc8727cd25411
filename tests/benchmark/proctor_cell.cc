// proctor_cell: one cell of the benchmark with a watcher and a policy of Proctor, or with
// `list` the rows there are: `proctor/WATCHER/POLICY`, a tab, and why it cannot work here.
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "core/base/return_if_error.h"
#include "proctor/error.h"
#include "proctor/policy_registry.h"
#include "proctor/watcher_kind.h"
#include "tests/benchmark/cell.h"

namespace proctor {
namespace {

constexpr char kPrefix[] = "proctor";

class ProctorLoop : public WatchedLoop {
 public:
  static absl::StatusOr<WatchedLoop*> Make(const std::string& row) {
    const std::vector<std::string> parts = absl::StrSplit(row, '/');
    if (parts.size() != 3 || parts[0] != kPrefix) {
      return absl::InvalidArgumentError(absl::StrCat("no row '", row, "'"));
    }
    const std::string& watcher_name = parts[1];
    auto policy = NewPolicy(parts[2], [=] { return NewWatcher(watcher_name); });
    if (!policy.ok()) return policy.status();
    auto loop = (*policy)->NewEventLoop();
    if (!loop.ok()) return loop.status();
    RETURN_IF_ERROR((*policy)->SetEventLoop(*loop));
    auto watcher = (*policy)->GetChildWatcher();
    if (!watcher.ok()) return watcher.status();
    if ((*watcher)->name() != watcher_name) {
      return absl::FailedPreconditionError(
          absl::StrCat("policy '", parts[2], "' brings its own, '", (*watcher)->name(), "'"));
    }
    RETURN_IF_ERROR((*watcher)->AttachLoop(*loop));
    return new ProctorLoop(*std::move(policy), *std::move(loop), *std::move(watcher));
  }

  absl::StatusOr<pid_t> Spawn(const std::string& program, int stdout_fd,
                              std::function<void()> on_exit) override {
    ChildWatcher::Scope scope(*watcher_);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, stdout_fd, STDOUT_FILENO);
    char* const argv[] = {const_cast<char*>(program.c_str()), nullptr};
    char* const environment[] = {nullptr};
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, program.c_str(), &actions, nullptr, argv, environment);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
      return ErrnoError(absl::StatusCode::kInternal, Reason::kSpawnFailed, "spawn", program, error);
    }
    absl::Status added = watcher_->AddChildHandler(
        pid, [on_exit = std::move(on_exit)](const ChildExit&) { on_exit(); });
    if (added.ok()) return pid;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return added;
  }

  void After(absl::Duration delay, std::function<void()> call) override {
    loop_->CallLater(delay, std::move(call));
  }

  absl::Status Run(std::function<void()> start) override {
    loop_->CallSoon(std::move(start));
    return loop_->RunForever();
  }

  void Stop() override { loop_->Stop(); }

 private:
  ProctorLoop(std::shared_ptr<EventLoopPolicy> policy, std::shared_ptr<EventLoop> loop,
              std::shared_ptr<ChildWatcher> watcher)
      : policy_(std::move(policy)), loop_(std::move(loop)), watcher_(std::move(watcher)) {}

  const std::shared_ptr<EventLoopPolicy> policy_;  // its slot holds the loop
  const std::shared_ptr<EventLoop> loop_;
  const std::shared_ptr<ChildWatcher> watcher_;
};

void List() {
  for (const PolicyInfo& policy : ListPolicies()) {
    for (const WatcherInfo& watcher : ListWatchers()) {
      const absl::Status available =
          policy.availability.ok() ? watcher.availability : policy.availability;
      ::printf("%s/%s/%s\t%s\n", kPrefix, watcher.name.c_str(), policy.name.c_str(),
               std::string(available.message()).c_str());
    }
  }
}

}  // namespace
}  // namespace proctor

int main(int argc, char** argv) {
  // As the server has it; with the detector a lock costs twice as much.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  if (argc == 2 && std::string_view(argv[1]) == "list") {
    proctor::List();
    return 0;
  }
  proctor::RunCellAndExit(argc, argv, &proctor::ProctorLoop::Make);
}
