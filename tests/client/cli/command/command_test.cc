// The command around its verbs.
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/notification.h"
#include "client/cli/command/verb.h"
#include "tests/client/cli/command_fixture.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

class CommandTest : public CommandFixture {
 protected:
  int RunBare(std::vector<std::string> arguments, std::vector<std::string> environment = {}) {
    CommandRun run({std::move(arguments), std::move(environment), ""});
    const int code = run.Wait();
    out_ = run.out();
    err_ = run.err();
    return code;
  }
};

TEST_F(CommandTest, EveryVerbExplainsItself) {
  for (const Verb& verb : Verbs()) {
    std::vector<std::string> words = absl::StrContains(verb.name, ' ')
                                         ? std::vector<std::string>{"session", verb.name + 8}
                                         : std::vector<std::string>{verb.name};
    words.push_back("--help");
    EXPECT_EQ(RunBare(words), 0) << verb.name;
    EXPECT_TRUE(absl::StartsWith(out_, std::string("Usage: proctor ") + verb.name)) << out_;
    const std::string by_flag = out_;
    words.pop_back();
    words.insert(words.begin(), "help");
    EXPECT_EQ(RunBare(words), 0) << verb.name;
    EXPECT_EQ(out_, by_flag);
  }
}

TEST_F(CommandTest, HelpListsTheVerbsAndTheGlobalFlags) {
  EXPECT_EQ(RunBare({"help"}), 0);
  EXPECT_TRUE(absl::StrContains(out_, "session close"));
  EXPECT_TRUE(absl::StrContains(out_, "--host HOST"));
  const std::string text = out_;
  EXPECT_EQ(RunBare({"--help"}), 0);
  EXPECT_EQ(out_, text);
}

TEST_F(CommandTest, SuggestsTheClosestVerb) {
  EXPECT_EQ(RunBare({"insepct"}), 125);
  EXPECT_EQ(err_, "proctor: unknown verb 'insepct'; did you mean 'inspect'?; see 'proctor help'\n");
  EXPECT_EQ(RunBare({"session", "lst"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "did you mean 'session ls'?")) << err_;
  EXPECT_EQ(RunBare({"xyzzy"}), 125);
  EXPECT_FALSE(absl::StrContains(err_, "did you mean")) << err_;
  EXPECT_EQ(RunBare({}), 125);
}

TEST_F(CommandTest, ListsTheVerbsOfAFamily) {
  EXPECT_EQ(RunBare({"session", "--help"}), 0) << err_;
  EXPECT_TRUE(absl::StartsWith(out_, "Usage: proctor session VERB")) << out_;
  EXPECT_TRUE(absl::StrContains(out_, "\n  session close ")) << out_;
  EXPECT_FALSE(absl::StrContains(out_, "\n  run ")) << out_;
  const std::string list = out_;
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"help", "session"}, {"--help", "session"}, {"session", "-h"}}) {
    EXPECT_EQ(RunBare(words), 0) << err_;
    EXPECT_EQ(out_, list);
  }
  // Without the question a verb is missing.
  EXPECT_EQ(RunBare({"session"}), 125);
  EXPECT_EQ(err_, list);
  EXPECT_EQ(out_, "");
}

TEST_F(CommandTest, HelpFitsEightyColumns) {
  std::vector<std::vector<std::string>> questions = {{"help"}, {"help", "session"}};
  for (const Verb& verb : Verbs()) {
    questions.push_back(absl::StrSplit(absl::StrCat("help ", verb.name), ' '));
  }
  for (const std::vector<std::string>& question : questions) {
    EXPECT_EQ(RunBare(question), 0) << err_;
    for (const absl::string_view line : absl::StrSplit(out_, '\n')) {
      EXPECT_LE(line.size(), 80u) << absl::StrJoin(question, " ") << ": " << line;
    }
  }
}

TEST_F(CommandTest, TakesGlobalFlagsOnBothSidesOfTheVerb) {
  server_.behaviour().info = [](auto&, auto*) { return grpc::Status::OK; };
  EXPECT_EQ(RunBare({"--host", server_.host(), "info"}), 0) << err_;
  EXPECT_EQ(RunBare({"info", "--host", server_.host()}), 0) << err_;
  EXPECT_EQ(RunBare({"info"}, {"PROCTOR_HOST=" + server_.host()}), 0) << err_;
  EXPECT_EQ(RunBare({"--host", server_.host(), "info"}, {"PROCTOR_HOST=unix:/nonexistent"}), 0);
}

TEST_F(CommandTest, SaysWhichServerCannotBeReached) {
  EXPECT_EQ(RunBare({"ps", "--host", "unix:/nonexistent/sock"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "cannot reach a server at 'unix:/nonexistent/sock'")) << err_;
  EXPECT_TRUE(absl::StrContains(err_, "PROCTOR_HOST")) << err_;
  EXPECT_EQ(RunBare({"run", "x"}, {"PROCTOR_HOST=unix:/nonexistent/sock"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "cannot reach a server at")) << err_;
  EXPECT_EQ(RunBare({"ps"}, {"XDG_RUNTIME_DIR=" + server_.directory()}), 125);
  EXPECT_TRUE(absl::StrContains(err_, server_.directory() + "/proctor/proctord.sock")) << err_;
}

TEST_F(CommandTest, RefusesPlaintextToOtherMachines) {
  EXPECT_EQ(RunBare({"ps", "--host", "192.0.2.1:1"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "--tls-ca")) << err_;
}

TEST_F(CommandTest, RefusesArgumentsThatCannotBeSent) {
  EXPECT_EQ(RunBare({"run", "echo", "ok", "a\xff"}), 125);
  EXPECT_EQ(err_,
            "proctor: argument 4 ('a\\xff') is not valid UTF-8 at byte 2, and cannot be sent\n");
  EXPECT_EQ(RunBare({"run", "--env", "V", "echo"}, {"V=\xff"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "the value of 'V' is not valid UTF-8")) << err_;
}

TEST_F(CommandTest, VersionGoesToStdoutAndMustArrive) {
  EXPECT_EQ(RunBare({"version"}), 0);
  EXPECT_TRUE(absl::StartsWith(out_, "proctor "));
  const std::string version = out_;
  EXPECT_EQ(RunBare({"--version"}), 0);
  EXPECT_EQ(out_, version);
  CommandRun run({{"version"}, {}, "/dev/full"});
  EXPECT_EQ(run.Wait(), 125);
}

TEST_F(CommandTest, ClosedStdinIsAnEmptyOne) {
  server_.behaviour().run = [](auto*, RunStream* stream) {
    v1::RunProcessRequest request;
    uint64_t bytes = 0;
    while (stream->Read(&request) && !request.input().close_stdin()) {
      bytes += request.input().stdin().data().size();
    }
    Say<v1::RunProcessResponse>(stream, Started());
    Say<v1::RunProcessResponse>(stream, Exited(ExitCode(bytes == 0 ? 7 : 8)));
    Say<v1::RunProcessResponse>(stream, Drained(0, 0));
    return grpc::Status::OK;
  };
  CommandRun run({.arguments = WithHost({"run", "-i", "x"}), .by_shell = "exec \"$@\" <&-"});
  EXPECT_EQ(run.WaitWithOpenStdin(), 7) << run.err();
}

TEST_F(CommandTest, DataForAClosedStreamIsAnErrorAndGoesNowhereElse) {
  CommandRun version({.arguments = {"version"}, .by_shell = "exec \"$@\" >&-"});
  EXPECT_EQ(version.Wait(), 125);
  EXPECT_EQ(version.err(), "proctor: version: write to stdout: Bad file descriptor\n");
  for (const char* shell : {"exec \"$@\" >&-", "exec \"$@\" 2>&-", "exec \"$@\" <&- >&- 2>&-"}) {
    Script({Started(), Stdout(0, "longer than eight bytes"), Stderr(0, "longer than eight bytes"),
            Exited(ExitCode(0)), Drained(23, 23)});
    CommandRun run({.arguments = WithHost({"run", "x"}), .by_shell = shell});
    EXPECT_EQ(run.Wait(), 125) << shell;
  }
  // Nothing was meant for it.
  Script({Started(), Stdout(0, "out"), Exited(ExitCode(3)), Drained(3, 0)});
  CommandRun run({.arguments = WithHost({"run", "x"}), .by_shell = "exec \"$@\" 2>&-"});
  EXPECT_EQ(run.Wait(), 3);
  EXPECT_EQ(run.out(), "out");
}

TEST_F(CommandTest, BrokenPipeKillsUsUnlessSigpipeWasIgnored) {
  absl::Notification closed;
  server_.behaviour().run = [&](grpc::ServerContext* context, RunStream* stream) {
    Say<v1::RunProcessResponse>(stream, Started());
    Say<v1::RunProcessResponse>(stream, Stderr(0, "ready"));
    closed.WaitForNotification();
    Say<v1::RunProcessResponse>(stream, Stdout(0, "more"));
    return UntilCancelled(context);
  };
  CommandRun run({.arguments = WithHost({"run", "x"}), .by_shell = "trap '' PIPE; exec \"$@\""});
  ASSERT_TRUE(run.StderrHas("ready"));
  run.CloseStdout();
  closed.Notify();
  EXPECT_EQ(run.Wait(), 125);
  EXPECT_TRUE(absl::StrContains(run.err(), "write to stdout: Broken pipe")) << run.err();
}

}  // namespace
}  // namespace proctor::cli
