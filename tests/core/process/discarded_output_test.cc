// What others write to the pipes of a process after its output is complete.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/core/process/process_fixture.h"
#include "tests/core/scratch_directory.h"

namespace proctor {
namespace {

class DiscardedOutputTest : public ProcessFixture {
 protected:
  // A process that ends and leaves this script of a shell behind, which begins when Release()
  // is called and tells its exit code to AwaitEnd().
  Command Leaving(const std::string& script) {
    EXPECT_EQ(::mkfifo((scratch_.path() + "/go").c_str(), 0600), 0);
    EXPECT_EQ(::mkfifo((scratch_.path() + "/done").c_str(), 0600), 0);
    Command command;
    command.argv = {"/bin/sh", "-c",
                    absl::StrCat("(read line <go; ", script, "; echo $? >done) & exit 0")};
    command.cwd = scratch_.path();
    command.drain_grace = absl::ZeroDuration();
    return command;
  }

  void Release() {
    go_ = UniqueFd(::open((scratch_.path() + "/go").c_str(), O_RDWR | O_CLOEXEC));
    EXPECT_EQ(::write(go_.get(), "\n", 1), 1);
  }

  // Runs the loop until the script has ended. Returns its exit code.
  std::string AwaitEnd() {
    const UniqueFd done(
        ::open((scratch_.path() + "/done").c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    std::string told;
    const auto read = [&] {
      char text[16];
      const ssize_t size = ::read(done.get(), text, sizeof(text));
      if (size > 0) told.append(text, static_cast<size_t>(size));
      loop_->Stop();
    };
    Run([&] { ASSERT_TRUE(loop_->AddReader(done.get(), read).ok()); });
    // Others stop the loop, too.
    while (told.empty()) Run([] {});
    loop_->RemoveReader(done.get());
    return told;
  }

  // All bytes that this process has read so far (proc(5)).
  static uint64_t BytesRead() {
    std::ifstream io("/proc/self/io");
    std::string name;
    uint64_t bytes = 0;
    io >> name >> bytes;
    EXPECT_EQ(name, "rchar:");
    return bytes;
  }

  ScratchDirectory scratch_;
  UniqueFd go_;
};

TEST_F(DiscardedOutputTest, LetsADaemonWriteMoreThanThePipeHolds) {
  Command command = Leaving(Path("spew") + " 2000000 0");
  std::shared_ptr<Process> process = RunToEnd(std::move(command));
  EXPECT_EQ(process->drained()->reason, DrainReason::kGraceExpired);
  const uint64_t kept = process->output().Totals()[0].total_bytes;
  Release();
  EXPECT_EQ(AwaitEnd(), "0\n");
  EXPECT_EQ(process->output().Totals()[0].total_bytes, kept);
}

TEST_F(DiscardedOutputTest, IsReadAtABoundedRate) {
  Command command = Leaving(Path("spew") + " 1000000000000 0");
  std::shared_ptr<Process> process = RunToEnd(std::move(command));
  const pid_t group = process->Info().pid;
  Release();
  const uint64_t before = BytesRead();
  const absl::Duration from = loop_->Time();
  bool over = false;
  loop_->CallLater(absl::Milliseconds(350), [&] {
    over = true;
    loop_->Stop();
  });
  while (!over) Run([] {});
  const double turns = absl::FDivDuration(loop_->Time() - from, absl::Milliseconds(100)) + 2;
  EXPECT_LE(static_cast<double>(BytesRead() - before), turns * (512 << 10));
  ::kill(-group, SIGKILL);
}

}  // namespace
}  // namespace proctor
