#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
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

TEST_F(RunVerbTest, JsonLeavesDataRaw) {
  Script({Started(), Stdout(0, "data"), Exited(ExitCode(0)), Drained(4, 0)});
  EXPECT_EQ(Run({"run", "--json", "x"}), 0);
  EXPECT_EQ(out_, "data");
  const std::vector<std::string> lines = absl::StrSplit(err_, '\n');
  ASSERT_EQ(lines.size(), 4u) << err_;
  EXPECT_TRUE(absl::StartsWith(lines[0], "{\"started\":{\"process\":{\"process_id\":")) << lines[0];
  EXPECT_TRUE(absl::StrContains(lines[1], "\"exit_code\":0")) << lines[1];
  EXPECT_TRUE(absl::StartsWith(lines[2], "{\"output_drained\":")) << lines[2];
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
      {{"run", "--json=yes", "x"}, "flag '--json' takes no value"}};
  for (const auto& [arguments, text] : cases) {
    EXPECT_EQ(Run(arguments), 125);
    EXPECT_TRUE(absl::StrContains(err_, text)) << err_;
    EXPECT_TRUE(absl::StartsWith(err_, "proctor: run: ")) << err_;
  }
}

}  // namespace
}  // namespace proctor::cli
