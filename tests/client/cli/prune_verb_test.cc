#include "absl/strings/match.h"
#include "tests/client/cli/process_list_fixture.h"
#include "tests/client/terminal_run.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

// Years after any clock that a test may run by.
constexpr int64_t kFarAhead = int64_t{1} << 40;

class PruneVerbTest : public ProcessListFixture {
 protected:
  PruneVerbTest() {
    Add("runs", "web");
    Add("old", "web");
    End("old", ExitCode(0), 1);
    Add("young", "db");
    End("young", ExitCode(3), kFarAhead);
    Add("lost", "db");
    End("lost", UnknownEnd("SERVER_LOST"), 1);
    Add("left");
    End("left", ExitCode(0), 1);
    Edit("left", [](v1::Process* process) { process->set_survivors(1); });
  }

  using Strings = std::vector<std::string>;
};

TEST_F(PruneVerbTest, ForgetsWhatEndedAndSaysHowMany) {
  // `young` has ended in the future: a clock that differs from the server's.
  Edit("young", [](v1::Process* process) {
    process->mutable_exit_status()->mutable_exited_at()->set_seconds(1);
  });
  EXPECT_EQ(Run({"prune"}), 0) << err_;
  EXPECT_EQ(out_, "forgot 3 ended processes\n");
  EXPECT_EQ(Ids(), (Strings{"runs", "left"})) << "what is left of one is not forgotten";
  EXPECT_EQ(Run({"prune"}), 0) << err_;
  EXPECT_EQ(out_, "forgot 0 ended processes\n");
}

TEST_F(PruneVerbTest, TakesFiltersAndAnAge) {
  EXPECT_EQ(Run({"prune", "--older-than", "24h", "-l", "app=db"}), 0) << err_;
  EXPECT_EQ(out_, "forgot 1 ended process\n");
  EXPECT_EQ(Ids(), (Strings{"runs", "old", "young", "left"}));
  EXPECT_EQ(Run({"prune", "--filter", "state=lost"}), 0) << err_;
  EXPECT_EQ(out_, "forgot 0 ended processes\n");
  EXPECT_EQ(Run({"prune", "--filter", "label.app=web", "--filter", "state=exited"}), 0) << err_;
  EXPECT_EQ(Ids(), (Strings{"runs", "young", "left"}));
  EXPECT_EQ(Run({"prune", "--filter", "state=running"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "what runs cannot be forgotten")) << err_;
}

TEST_F(PruneVerbTest, AsksAtATerminal) {
  const auto answer = [this](std::vector<std::string> arguments, const std::string& keys) {
    arguments.insert(arguments.begin(), {"--host", server_.host()});
    TerminalRun run({arguments, {}, ""}, 24, 80);
    if (!keys.empty()) {
      EXPECT_TRUE(run.Shows("Forget 2 ended processes, with their output and how they ended?"));
      run.Type(keys);
    }
    return run.Wait();
  };
  EXPECT_EQ(answer({"prune"}, "\n"), 125);
  EXPECT_EQ(answer({"prune"}, "n\n"), 125);
  EXPECT_EQ(Ids().size(), 5u);
  EXPECT_EQ(answer({"prune"}, "y\n"), 0);
  EXPECT_EQ(Ids(), (Strings{"runs", "young", "left"}));
  End("runs", ExitCode(0), 1);
  EXPECT_EQ(answer({"prune", "-f"}, ""), 0) << "without a question";
  EXPECT_EQ(Ids(), (Strings{"young", "left"}));
}

}  // namespace
}  // namespace proctor::cli
