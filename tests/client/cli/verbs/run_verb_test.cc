#include <fstream>

#include "absl/strings/match.h"
#include "tests/client/cli/command_fixture.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

class RunVerbTest : public CommandFixture {
 protected:
  // Runs with `flags`, and returns the RunStart that arrived.
  v1::RunStart Received(std::vector<std::string> flags, std::vector<std::string> environment = {}) {
    v1::RunStart start;
    server_.behaviour().run = [&start](auto*, RunStream* stream) {
      v1::RunProcessRequest request;
      stream->Read(&request);
      start = request.start();
      Say<v1::RunProcessResponse>(stream, Started());
      Say<v1::RunProcessResponse>(stream, Exited(ExitCode(0)));
      Say<v1::RunProcessResponse>(stream, Drained(0, 0));
      return grpc::Status::OK;
    };
    flags.insert(flags.begin(), "run");
    EXPECT_EQ(Run(flags, std::move(environment)), 0) << err_;
    return start;
  }
};

TEST_F(RunVerbTest, PassesArgumentsOnUntouched) {
  const v1::RunStart start = Received({"grep", "-i", "--json", "--", "", "a b"});
  EXPECT_EQ(start.spec().argv_size(), 6);
  EXPECT_EQ(start.spec().argv(1), "-i");
  EXPECT_EQ(start.spec().argv(3), "--");
  EXPECT_EQ(start.spec().argv(4), "");
  EXPECT_EQ(start.spec().stdin_mode(), v1::STDIO_MODE_NULL);
  EXPECT_EQ(start.on_disconnect(), v1::DISCONNECT_POLICY_UNSPECIFIED);
}

TEST_F(RunVerbTest, TakesDoubleDash) {
  EXPECT_EQ(Received({"--", "-x", "--help"}).spec().argv(0), "-x");
}

TEST_F(RunVerbTest, FillsTheSpecification) {
  server_.behaviour().get_session = [](auto&, auto*) { return grpc::Status::OK; };
  const v1::RunStart start =
      Received({"--env",       "A=1=2",          "-e",     "OWN",           "-e",  "UNSET_ANYWHERE",
                "--clear-env", "--cwd",          "/tmp",   "--label",       "k=v", "--session",
                "s1",          "--timeout",      "1h30m",  "--stop-signal", "INT", "--stop-grace",
                "500ms",       "--drain-grace",  "2s",     "--retain",      "64K", "--overflow",
                "drop",        "--merge-stderr", "--keep", "--request-id",  "r1",  "true"},
               {"OWN=mine"});
  const v1::ProcessSpec& spec = start.spec();
  EXPECT_EQ(spec.env().at("A"), "1=2");
  EXPECT_EQ(spec.env().at("OWN"), "mine");
  EXPECT_EQ(spec.env().size(), 2u);
  EXPECT_EQ(spec.env_base(), v1::ENVIRONMENT_BASE_CLEAR);
  EXPECT_EQ(spec.cwd(), "/tmp");
  EXPECT_EQ(spec.labels().at("k"), "v");
  EXPECT_EQ(start.session_id(), "s1");
  EXPECT_EQ(spec.run_timeout().seconds(), 5400);
  EXPECT_EQ(spec.stop_policy().signal(), "INT");
  EXPECT_EQ(spec.stop_policy().grace().nanos(), 500'000'000);
  EXPECT_EQ(spec.drain_grace().seconds(), 2);
  EXPECT_EQ(spec.output().retain_bytes(), 65536u);
  EXPECT_EQ(spec.output().overflow(), v1::OVERFLOW_POLICY_DROP_OLDEST);
  EXPECT_EQ(spec.stderr_mode(), v1::STDIO_MODE_MERGED);
  EXPECT_EQ(start.on_disconnect(), v1::DISCONNECT_POLICY_KEEP);
  EXPECT_EQ(start.request_id(), "r1");
}

TEST_F(RunVerbTest, VariablesComeFromFilesAndTheCommandLineWins) {
  const std::string one = server_.directory() + "/one", two = server_.directory() + "/two";
  std::ofstream(one) << "A=1\nB=1\nC=1\nOWN\n";
  std::ofstream(two) << "B=2\n";
  const v1::ProcessSpec spec =
      Received({"-e", "C=3", "--env-file", one, "--env-file", two, "-e", "UNSET_ANYWHERE", "true"},
               {"OWN=mine"})
          .spec();
  EXPECT_EQ(spec.env().size(), 4u);
  EXPECT_EQ(spec.env().at("A"), "1");
  EXPECT_EQ(spec.env().at("B"), "2");
  EXPECT_EQ(spec.env().at("C"), "3");
  EXPECT_EQ(spec.env().at("OWN"), "mine");
  EXPECT_EQ(Run({"run", "--env-file", server_.directory() + "/none", "x"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "--env-file: read '")) << err_;
}

TEST_F(RunVerbTest, GivesAName) {
  EXPECT_EQ(Received({"--name", "web", "true"}).spec().name(), "web");
}

TEST_F(RunVerbTest, SaysWhatALostStreamMeans) {
  EXPECT_EQ(Received({"-t", "true"}).on_disconnect(), v1::DISCONNECT_POLICY_STOP);
  EXPECT_EQ(Received({"-t", "--keep", "true"}).on_disconnect(), v1::DISCONNECT_POLICY_KEEP);
  EXPECT_EQ(Received({"-t", "--on-disconnect", "kill", "true"}).on_disconnect(),
            v1::DISCONNECT_POLICY_KILL);
  EXPECT_EQ(Received({"--on-disconnect=stop", "true"}).on_disconnect(), v1::DISCONNECT_POLICY_STOP);
  EXPECT_EQ(Received({"--on-disconnect=keep", "--keep", "true"}).on_disconnect(),
            v1::DISCONNECT_POLICY_KEEP);
}

TEST_F(RunVerbTest, RefusesTwoFatesOfALostStream) {
  EXPECT_EQ(Run({"run", "--keep", "--on-disconnect", "kill", "true"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "--keep and --on-disconnect exclude each other")) << err_;
}

TEST_F(RunVerbTest, SaysAsWhomAndWithHowMuch) {
  const v1::ProcessSpec spec = Received({"--user",
                                         "www:adm",
                                         "--group-add",
                                         "audio",
                                         "--group-add",
                                         "7",
                                         "--umask",
                                         "027",
                                         "--nice",
                                         "-5",
                                         "--oom-score-adj",
                                         "-500",
                                         "--inherit-env",
                                         "--rlimit",
                                         "nofile=64:1K",
                                         "--rlimit",
                                         "core=unlimited",
                                         "--memory",
                                         "64M",
                                         "--swap",
                                         "0",
                                         "--cpus",
                                         "1.5",
                                         "--pids-limit",
                                         "100",
                                         "--io-weight",
                                         "50",
                                         "--idle-timeout",
                                         "90s",
                                         "--stop-scope",
                                         "tree",
                                         "--allow-new-privileges",
                                         "true"})
                                   .spec();
  EXPECT_EQ(spec.user().user(), "www");
  EXPECT_EQ(spec.user().group(), "adm");
  ASSERT_EQ(spec.user().supplementary_groups_size(), 2);
  EXPECT_EQ(spec.user().supplementary_groups(1), "7");
  EXPECT_TRUE(spec.user().allow_new_privileges());
  EXPECT_EQ(spec.umask(), 027u);
  EXPECT_EQ(spec.nice(), -5);
  EXPECT_EQ(spec.oom_score_adj(), -500);
  EXPECT_EQ(spec.env_base(), v1::ENVIRONMENT_BASE_INHERIT);
  ASSERT_EQ(spec.rlimits_size(), 2);
  EXPECT_EQ(spec.rlimits(0).hard(), 1024u);
  EXPECT_FALSE(spec.rlimits(1).has_soft());
  EXPECT_EQ(spec.cgroup().memory_bytes(), 64u << 20);
  EXPECT_TRUE(spec.cgroup().has_swap_bytes());
  EXPECT_EQ(spec.cgroup().swap_bytes(), 0u);
  EXPECT_EQ(spec.cgroup().cpus(), 1.5);
  EXPECT_EQ(spec.cgroup().pids(), 100u);
  EXPECT_EQ(spec.cgroup().io_weight(), 50u);
  EXPECT_EQ(spec.idle_timeout().seconds(), 90);
  EXPECT_EQ(spec.stop_policy().scope(), v1::SIGNAL_SCOPE_TREE);
}

TEST_F(RunVerbTest, LeavesUnsetWhatIsNotSaid) {
  const v1::ProcessSpec spec = Received({"true"}).spec();
  EXPECT_FALSE(spec.has_user());
  EXPECT_FALSE(spec.has_umask());
  EXPECT_FALSE(spec.has_nice());
  EXPECT_FALSE(spec.has_oom_score_adj());
  EXPECT_EQ(spec.env_base(), v1::ENVIRONMENT_BASE_UNSPECIFIED);
  EXPECT_FALSE(spec.has_cgroup());
  EXPECT_FALSE(spec.has_pty());
  EXPECT_FALSE(spec.has_stop_policy());
  EXPECT_EQ(spec.rlimits_size(), 0);
}

TEST_F(RunVerbTest, TerminalWithoutStdinOnlyShows) {
  const v1::RunStart start = Received({"-t", "top"}, {"TERM=vt100"});
  EXPECT_TRUE(start.spec().has_pty());
  EXPECT_EQ(start.spec().pty().term(), "vt100");
  // Nobody has told one: none of our streams is a terminal.
  EXPECT_FALSE(start.spec().pty().has_size());
  EXPECT_EQ(start.spec().stdin_mode(), v1::STDIO_MODE_UNSPECIFIED);
  EXPECT_EQ(start.spec().stdout_mode(), v1::STDIO_MODE_UNSPECIFIED);
}

TEST_F(RunVerbTest, DetachedTerminalNeedsNoneOfOurs) {
  v1::StartProcessRequest got;
  server_.behaviour().start = [&](const v1::StartProcessRequest& request, auto*) {
    got = request;
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"run", "-dit", "sh"}), 0) << err_;
  EXPECT_TRUE(got.spec().has_pty());
  EXPECT_EQ(got.spec().stdin_mode(), v1::STDIO_MODE_UNSPECIFIED);
}

TEST_F(RunVerbTest, DetachPrintsTheId) {
  v1::StartProcessRequest got;
  server_.behaviour().start = [&](const v1::StartProcessRequest& request,
                                  v1::StartProcessResponse* response) {
    got = request;
    *response->mutable_process() = MakeProcess();
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"run", "-d", "sleep", "9"}), 0);
  EXPECT_EQ(out_, std::string(kProcessId) + "\n");
  EXPECT_EQ(got.spec().argv(1), "9");
  EXPECT_EQ(Run({"run", "-d", "--json", "sleep", "9"}), 0);
  EXPECT_TRUE(absl::StrContains(out_, "\"process_id\":\"0123456789abcdef")) << out_;
}

TEST_F(RunVerbTest, RefusesBadFlags) {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"run"}, "an argument is missing"},
      {{"run", "--timeot", "1s", "x"}, "did you mean '--timeout'?"},
      {{"run", "--timeout", "soon", "x"}, "--timeout: 'soon' is not a duration"},
      {{"run", "--retain", "1X", "x"}, "--retain: '1X' is not a size"},
      {{"run", "--overflow", "spill", "x"}, "'spill' is not 'block' or 'drop'"},
      {{"run", "--env", "=x", "x"}, "has no name"},
      {{"run", "-Z", "x"}, "unknown flag '-Z'"},
      {{"run", "--cwd"}, "flag '--cwd' needs a value: DIR"},
      {{"run", "--json=yes", "x"}, "flag '--json' takes no value"},
      {{"run", "-it", "x"}, "the input device is not a TTY"},
      {{"run", "-t", "--merge-stderr", "x"}, "--merge-stderr and --tty exclude each other"},
      {{"run", "--force", "x"}, "--force goes together with --request-id"},
      {{"run", "--escape-char", "ab", "x"}, "--escape-char: 'ab' is not a character"},
      {{"run", "--detach-keys", "ctrl-1", "x"}, "--detach-keys: 'ctrl-1' in 'ctrl-1' is not a key"},
      {{"run", "--user", "a:", "x"}, "--user: 'a:' is not of the form"},
      {{"run", "--umask", "089", "x"}, "--umask: '089' is not an octal number"},
      {{"run", "--umask", "1000", "x"}, "--umask: '1000' is not an octal number"},
      {{"run", "--nice", "20", "x"}, "--nice: '20' is not a whole number from -20 to 19"},
      {{"run", "--oom-score-adj", "1001", "x"}, "'1001' is not a whole number from -1000 to 1000"},
      {{"run", "--clear-env", "--inherit-env", "x"}, "--clear-env and --inherit-env exclude"},
      {{"run", "--memory", "0", "x"}, "--memory: '0' is no size"},
      {{"run", "--cpus", "0", "x"}, "--cpus: '0' is not a number of processors"},
      {{"run", "--cpus", "nan", "x"}, "--cpus: 'nan' is not a number of processors"},
      {{"run", "--pids-limit", "0", "x"}, "--pids-limit: '0' is not a whole number from 1"},
      {{"run", "--io-weight", "10001", "x"}, "from 1 to 10000"},
      {{"run", "--idle-timeout", "0s", "x"}, "--idle-timeout: '0s' is no time at all"},
      {{"run", "--stop-scope", "all", "x"}, "'all' is not 'leader', 'group' or 'tree'"}};
  for (const auto& [arguments, text] : cases) {
    EXPECT_EQ(Run(arguments), 125);
    EXPECT_TRUE(absl::StrContains(err_, text)) << err_;
    EXPECT_TRUE(absl::StartsWith(err_, "proctor: run: ")) << err_;
  }
}

}  // namespace
}  // namespace proctor::cli
