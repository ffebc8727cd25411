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
  EXPECT_EQ(Run({"prune", "-f"}), 0) << err_;
  EXPECT_EQ(out_, "forgot 2 ended processes\n");
  EXPECT_EQ(Ids(), (Strings{"runs", "lost", "left"})) << "what may run on is not forgotten";
  EXPECT_TRUE(absl::StrContains(err_, "2 processes are kept that may run on")) << err_;
  EXPECT_EQ(Run({"prune", "-f"}), 0) << err_;
  EXPECT_EQ(out_, "forgot 0 ended processes\n");
  Edit("lost", [](v1::Process* process) { process->set_tree_empty(true); });
  EXPECT_EQ(Run({"prune", "-f"}), 0) << err_;
  EXPECT_EQ(Ids(), (Strings{"runs", "left"})) << "nothing of it runs any more";
}

TEST_F(PruneVerbTest, DoesNothingWhereNobodyCanBeAsked) {
  EXPECT_EQ(Run({"prune"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "-f does it without asking")) << err_;
  EXPECT_EQ(Ids().size(), 5u);
}

TEST_F(PruneVerbTest, TakesFiltersAndAnAge) {
  Edit("lost", [](v1::Process* process) { process->set_tree_empty(true); });
  EXPECT_EQ(Run({"prune", "-f", "--older-than", "24h", "-l", "app=db"}), 0) << err_;
  EXPECT_EQ(out_, "forgot 1 ended process\n");
  EXPECT_EQ(Ids(), (Strings{"runs", "old", "young", "left"}));
  EXPECT_EQ(Run({"prune", "-f", "--filter", "state=lost"}), 0) << err_;
  EXPECT_EQ(out_, "forgot 0 ended processes\n");
  EXPECT_EQ(Run({"prune", "-f", "--filter", "label.app=web", "--filter", "state=exited"}), 0)
      << err_;
  EXPECT_EQ(Ids(), (Strings{"runs", "young", "left"}));
  EXPECT_EQ(Run({"prune", "--filter", "state=running"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "what runs cannot be forgotten")) << err_;
}

TEST_F(PruneVerbTest, ForgetsWhatMayRunOnWhereItIsAskedFor) {
  Add("left-lost");
  End("left-lost", UnknownEnd("SERVER_LOST"), 1);
  Edit("left-lost", [](v1::Process* process) { process->set_survivors(2); });
  EXPECT_EQ(Run({"prune", "-f", "--filter", "state=lost"}), 0) << err_;
  EXPECT_EQ(out_, "forgot 1 ended process\n");
  EXPECT_EQ(Ids(), (Strings{"runs", "old", "young", "left", "left-lost"}))
      << "what is known to run on is not forgotten";
}

TEST_F(PruneVerbTest, WantsOneValueOfALabelAndOneSession) {
  const struct {
    Strings flags;
    std::string words;
  } cases[] = {
      {{"-l", "app=web", "-l", "app=db"}, "label 'app' is asked for twice, as 'web' and as 'db'"},
      {{"-l", "app=web", "--filter", "label.app=db"},
       "label 'app' is asked for twice, as 'web' and as 'db'"},
      {{"--filter", "session=one", "--filter", "session=two"},
       "two sessions are asked for, 'one' and 'two'"},
      {{"--session", "one", "--filter", "session=two"},
       "two sessions are asked for, 'one' and 'two'"},
  };
  for (const auto& [flags, words] : cases) {
    Strings arguments = {"prune", "-f"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    EXPECT_EQ(Run(arguments), 125);
    EXPECT_TRUE(absl::StrContains(err_, words)) << err_;
  }
  EXPECT_EQ(Ids().size(), 5u);
}

TEST_F(PruneVerbTest, AsksAtATerminal) {
  Edit("lost", [](v1::Process* process) { process->set_tree_empty(true); });
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
