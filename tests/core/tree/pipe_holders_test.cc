#include "core/tree/pipe_holders.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <thread>
#include <utility>

#include "absl/synchronization/notification.h"
#include "core/spawn/newborn_guard.h"
#include "core/spawn/raw_system_call.h"
#include "proctor/unique_fd.h"
#include "tests/core/process/process_fixture.h"

namespace proctor {
namespace {

using testing::IsEmpty;

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    ours.Reset(ends[0]);
    other.Reset(ends[1]);
  }
  UniqueFd ours;
  UniqueFd other;
};

std::vector<PipeHolder> Holders(const std::vector<int>& fds) {
  absl::Notification done;
  std::vector<PipeHolder> result;
  EXPECT_TRUE(SeekPipeHolders(OtherEnds(fds), [&](std::vector<PipeHolder> holders) {
                result = std::move(holders);
                done.Notify();
              }).ok());
  done.WaitForNotification();
  return result;
}

// A child that is cloned as the launcher does it, and does not go on before Release().
class HeldNewborn {
 public:
  HeldNewborn() : thread_([this] { Clone(); }) {
    char byte;
    EXPECT_EQ(::read(there_.ours.get(), &byte, 1), 1);
  }

  void Release() {
    EXPECT_EQ(::write(go_.other.get(), "x", 1), 1);
    thread_.join();
    EXPECT_EQ(::waitpid(pid_, nullptr, 0), pid_);
  }

 private:
  void Clone() {
    alignas(16) static char stack[64 << 10];
    pid_ = static_cast<pid_t>(
        RawClone(CLONE_VM | CLONE_VFORK | SIGCHLD, stack + sizeof stack, nullptr, &Wait, this));
  }

  PROCTOR_CHILD_CODE static void Wait(void* pointer) {
    auto* self = static_cast<HeldNewborn*>(pointer);
    char byte = 'x';
    RawSystemCall(SYS_write, self->there_end_, reinterpret_cast<long>(&byte), 1);
    const long size = RawSystemCall(SYS_read, self->go_end_, reinterpret_cast<long>(&byte), 1);
    RawSystemCall(SYS_exit_group, size == 1 ? 0 : 1);
  }

  Pipe there_;
  Pipe go_;
  const int there_end_ = there_.other.get();
  const int go_end_ = go_.ours.get();
  pid_t pid_ = 0;
  std::thread thread_;
};

TEST(PipeHoldersTest, NamesNoNewborn) {
  Pipe pipe;
  HeldNewborn newborn;
  EXPECT_THAT(Holders({pipe.ours.get()}), IsEmpty());
  newborn.Release();
}

TEST(PipeHoldersTest, TellsEachSeekerItsOwn) {
  Pipe first, second, nobodys;
  std::vector<pid_t> holders;
  for (const Pipe* pipe : {&first, &second}) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      // /proc has one name for both ends.
      for (Pipe* each : {&first, &second, &nobodys}) {
        each->ours.Reset();
        if (each != pipe) each->other.Reset();
      }
      ::pause();
    }
    holders.push_back(pid);
  }
  const auto pids = [](const std::vector<PipeHolder>& found) {
    std::vector<pid_t> result;
    for (const PipeHolder& holder : found) result.push_back(holder.pid);
    return result;
  };
  // The two may not have closed the others' yet.
  while (!Holders({nobodys.ours.get()}).empty()) {
  }
  EXPECT_EQ(pids(Holders({first.ours.get(), -1})), std::vector<pid_t>{holders[0]});
  EXPECT_EQ(pids(Holders({second.ours.get()})), std::vector<pid_t>{holders[1]});
  EXPECT_THAT(pids(Holders({first.ours.get(), second.ours.get()})),
              testing::UnorderedElementsAreArray(holders));
  for (const pid_t pid : holders) {
    ::kill(pid, SIGKILL);
    EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
  }
}

class NewbornDrainTest : public ProcessFixture {};

// What a sibling's newborn holds of a process, held here in its place.
TEST_F(NewbornDrainTest, WaitsForASiblingOnItsWay) {
  Command command = MakeCommand("copy_stdin");
  command.stdin_mode = StdioMode::kPipe;
  command.drain_grace = absl::Milliseconds(1);
  const SpawnExchange exchange;
  std::optional<NewbornGuard::Watch> sibling(std::in_place, NewbornGuard::Get().value(), &exchange);
  UniqueFd held;
  bool over = false;
  auto process = RunToEnd(std::move(command), [&](Process& p) {
    held.Reset(::open(absl::StrCat("/proc/", p.Info().pid, "/fd/1").c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_TRUE(held);
    p.stdin_pipe().Close();
    p.AddListener([&] {
      if (p.state() != ProcessState::kExited || std::exchange(over, true)) return;
      loop_->CallLater(absl::Milliseconds(50), [&] {
        held.Reset();
        sibling.reset();
      });
    });
  });
  EXPECT_EQ(process->drained()->reason, DrainReason::kEof);
}

}  // namespace
}  // namespace proctor
