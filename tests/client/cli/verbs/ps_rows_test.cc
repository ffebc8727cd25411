// ps: which processes it asks for, and the row that each gets.
#include <signal.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "tests/client/cli/verbs/process_verbs_fixture.h"
#include "tests/client/terminal_run.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

using PsRowsTest = ProcessVerbsFixture;

TEST_F(PsRowsTest, PsListsAllPages) {
  processes_[1].mutable_spec()->add_argv("two words");
  processes_[2].mutable_spec()->add_argv("\x1b[31m");
  processes_[2].set_state(v1::PROCESS_STATE_DRAINED);
  *processes_[2].mutable_exit_status() = KilledBy(SIGKILL, "SIGKILL");
  EXPECT_EQ(Run({"ps", "-a"}), 0) << err_;
  const std::vector<std::string> lines = absl::StrSplit(out_, '\n');
  ASSERT_EQ(lines.size(), 5u) << out_;
  EXPECT_TRUE(absl::StartsWith(lines[0], "ID ")) << lines[0];
  EXPECT_TRUE(absl::StartsWith(lines[1], "aaaa1111aaaa  running  -        ")) << lines[1];
  EXPECT_TRUE(absl::EndsWith(lines[2], "cat 'two words'")) << lines[2];
  EXPECT_TRUE(absl::StartsWith(lines[3], "bbbb3333bbbb  exited   SIGKILL  ")) << lines[3];
  EXPECT_TRUE(absl::EndsWith(lines[3], "\\x1b[31m")) << lines[3];
  EXPECT_EQ(last_list_.states_size(), 0);
  EXPECT_FALSE(last_list_.include_survivors());
}

TEST_F(PsRowsTest, PsAsksForRunningOnes) {
  EXPECT_EQ(Run({"ps", "-q", "--label", "k=v"}), 0) << err_;
  EXPECT_EQ(out_, "aaaa1111aaaa1111\naaaa2222aaaa2222\nbbbb3333bbbb3333\n");
  ASSERT_EQ(last_list_.states_size(), 1);
  EXPECT_EQ(last_list_.states(0), v1::PROCESS_STATE_RUNNING);
  EXPECT_TRUE(last_list_.include_survivors()) << "they run, too";
  EXPECT_EQ(last_list_.labels().at("k"), "v");
}

TEST_F(PsRowsTest, PsTakesFilters) {
  server_.behaviour().get_session = [](auto&, auto*) { return grpc::Status::OK; };
  EXPECT_EQ(Run({"ps", "-q", "--filter", "state=running", "--filter", "state=exited", "-f",
                 "label.a/b=c=d", "-f", "session=s1"}),
            0)
      << err_;
  ASSERT_EQ(last_list_.states_size(), 3);
  EXPECT_EQ(last_list_.states(0), v1::PROCESS_STATE_RUNNING);
  EXPECT_EQ(last_list_.states(1), v1::PROCESS_STATE_EXITED);
  EXPECT_EQ(last_list_.states(2), v1::PROCESS_STATE_DRAINED) << "its output is nobody's business";
  EXPECT_EQ(last_list_.labels().at("a/b"), "c=d");
  EXPECT_EQ(last_list_.session_id(), "s1");
  for (const char* bad : {"state", "state=dead", "label.=x", "user=x", "session="}) {
    EXPECT_EQ(Run({"ps", "--filter", bad}), 125) << bad;
    EXPECT_TRUE(absl::StrContains(err_, "--filter: ")) << err_;
  }
}

TEST_F(PsRowsTest, PsJsonIsOneObjectALine) {
  EXPECT_EQ(Run({"ps", "--json"}), 0);
  const std::vector<std::string> lines = absl::StrSplit(out_, '\n');
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_TRUE(absl::StrContains(lines[0], "\"process_id\":\"aaaa1111aaaa1111\"")) << lines[0];
  EXPECT_TRUE(absl::StrContains(lines[0], "\"stdin_open\":false")) << lines[0];
}

TEST_F(PsRowsTest, PsShowsTheLostAsSuch) {
  for (v1::Process& process : processes_) {
    process.set_state(v1::PROCESS_STATE_DRAINED);
    *process.mutable_exit_status() = UnknownEnd("SERVER_LOST");
  }
  processes_[1].set_survivors(2);
  processes_[2].set_tree_empty(true);
  EXPECT_EQ(Run({"ps", "-a"}), 0) << err_;
  const std::vector<std::string> lines = absl::StrSplit(out_, '\n');
  ASSERT_EQ(lines.size(), 5u);
  const char* const expected[] = {"lost             ?     ", "lost, 2 running  ?     ",
                                  "lost, none left  ?     "};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(absl::StrContains(lines[i + 1], expected[i])) << lines[i + 1];
    EXPECT_TRUE(absl::StrContains(lines[i + 1], "h  ?    cat")) << "no duration: " << lines[i + 1];
  }
}

TEST_F(PsRowsTest, PsShowsWhatRunsOnAfterAnEndedOne) {
  processes_[1].set_state(v1::PROCESS_STATE_DRAINED);
  processes_[1].mutable_exit_status()->set_exit_code(0);
  processes_[1].set_survivors(1);
  EXPECT_EQ(Run({"ps"}), 0) << err_;
  EXPECT_TRUE(absl::StrContains(out_, "exited, 1 running  0 ")) << out_;
}

TEST_F(PsRowsTest, PsFindsTheLostAmongTheEnded) {
  processes_[0].set_state(v1::PROCESS_STATE_EXITED);
  *processes_[0].mutable_exit_status() = UnknownEnd("SERVER_LOST");
  processes_[1].set_state(v1::PROCESS_STATE_EXITED);
  *processes_[1].mutable_exit_status() = ExitCode(0);
  EXPECT_EQ(Run({"ps", "-q", "-f", "state=lost"}), 0) << err_;
  EXPECT_EQ(out_, "aaaa1111aaaa1111\n");
  EXPECT_EQ(Run({"ps", "-q", "-f", "state=exited"}), 0) << err_;
  EXPECT_EQ(out_, "aaaa2222aaaa2222\n");
  EXPECT_EQ(Run({"ps", "-q", "-f", "state=exited", "-f", "state=running"}), 0) << err_;
  EXPECT_EQ(out_, "aaaa2222aaaa2222\nbbbb3333bbbb3333\n");
}

TEST_F(PsRowsTest, PsWideHasSessionsAndLabels) {
  auto& labels = *processes_[0].mutable_spec()->mutable_labels();
  labels["b"] = "2";
  labels["a"] = "1";
  // 2026-11-27 17:22:39, as UTC has it.
  processes_[0].mutable_started_at()->set_seconds(1795800159);
  EXPECT_EQ(Run({"ps", "-o", "wide"}, {"TZ=XYZ-2"}), 0) << err_;
  const std::vector<std::string> lines = absl::StrSplit(out_, '\n');
  EXPECT_TRUE(absl::StrContains(lines[0], "STARTED              SESSION       LABELS   COMMAND"))
      << out_;
  EXPECT_TRUE(absl::StrContains(lines[1], "2026-11-27T19:22:39  5e55105e5510  a=1,b=2  cat"))
      << out_;
  EXPECT_TRUE(absl::StrContains(lines[2], "  -        cat")) << out_;
  EXPECT_EQ(Run({"ps", "-o", "long"}), 125);
}

TEST_F(PsRowsTest, PsCutsOnATerminalOnly) {
  const std::string command(200, 'x');
  processes_[0].mutable_spec()->set_argv(0, command);
  EXPECT_EQ(Run({"ps"}), 0) << err_;
  EXPECT_TRUE(absl::StrContains(out_, "  " + command + "\n")) << out_;
  const auto on_terminal = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--host", server_.host()});
    TerminalRun run({arguments, {}, ""}, 24, 80);
    EXPECT_EQ(run.Wait(), 0) << run.shown();
    return run.shown();
  };
  const std::string cut = on_terminal({"ps"});
  for (const absl::string_view line : absl::StrSplit(cut, "\r\n")) {
    // The ellipsis is three bytes.
    EXPECT_LE(line.size(), 82u) << line;
  }
  EXPECT_TRUE(absl::StrContains(cut, "xxx…\r\n")) << cut;
  const std::string whole = on_terminal({"ps", "--no-trunc"});
  EXPECT_TRUE(absl::StrContains(whole, "aaaa1111aaaa1111  running")) << whole;
  EXPECT_TRUE(absl::StrContains(whole, "  " + command + "\r\n")) << whole;
}

TEST_F(PsRowsTest, PsSaysThatACommandGoesOn) {
  processes_[0].mutable_spec_omitted()->set_arguments(3);
  EXPECT_EQ(Run({"ps", "-a"}), 0);
  EXPECT_TRUE(absl::StrContains(out_, " …")) << out_;
}

}  // namespace
}  // namespace proctor::cli
