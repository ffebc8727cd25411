// The keys that are ours at a joined terminal: to detach, to disconnect, to help.
#include <string>

#include "tests/client/cli/run/interactive_fixture.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

using InteractiveKeysTest = InteractiveFixture;

TEST_F(InteractiveKeysTest, DetachKeysLeaveTheProcessAlone) {
  const auto run = Ready({"run", "-it", "--detach-keys", "ctrl-p,ctrl-q", "sh"});
  terminal_.Show("\x1b[?1049h\x1b[?2004h");
  ASSERT_TRUE(run->Shows("[?2004h"));
  run->Type("last\x10\x11never");
  EXPECT_EQ(run->Wait(), 0);
  EXPECT_EQ(terminal_.got(), "last<detach>");
  EXPECT_TRUE(run->IsAsBefore());
  EXPECT_TRUE(run->Shows("\x1b[?2004l\x1b[?1049lproctor: run: detached from process "))
      << run->shown();
  EXPECT_TRUE(run->Shows("'proctor attach -it 0123456789ab'")) << run->shown();
}

TEST_F(InteractiveKeysTest, ControlPGoesToTheProcessBeforeTheNextKey) {
  auto run = Ready({"run", "-it", "sh"});
  run->Type("\x10");
  terminal_.AwaitInput("\x10");
  run->Type("\x11~d");
  terminal_.AwaitInput("\x10\x11~d");
  run->Type({FakeTerminal::kEnd});
  EXPECT_EQ(run->Wait(), FakeTerminal::kExitCode);
}

// attach tells sizes in between, so that a whole cannot be awaited.
class HeldDetachKeyTest : public InteractiveKeysTest,
                          public ::testing::WithParamInterface<std::string> {};

INSTANTIATE_TEST_SUITE_P(Verbs, HeldDetachKeyTest, ::testing::Values("run", "attach"),
                         [](const auto& info) { return info.param; });

TEST_P(HeldDetachKeyTest, IsSentWhenNoOtherFollows) {
  const std::string what = GetParam() == "run" ? "sh" : kProcessId;
  const auto run = Ready({GetParam(), "-it", "--detach-keys", "ctrl-p,ctrl-q", what});
  run->Type("\x10");
  terminal_.AwaitInput("\x10");
  run->Type("\x11-");
  terminal_.AwaitInput("\x11-");
  run->Type("\x10\x11");
  EXPECT_EQ(run->Wait(), 0);
  terminal_.AwaitEnd();
}

TEST_F(InteractiveKeysTest, DetachKeysComeFromFlagAndEnvironment) {
  auto run = Ready({"run", "-it", "sh"}, {"PROCTOR_DETACH_KEYS=ctrl-a,d"});
  run->Type(
      "\x10\x11\x01"
      "d");
  EXPECT_EQ(run->Wait(), 0);
  EXPECT_EQ(terminal_.got(), "\x10\x11<detach>");
  run = Ready({"run", "-it", "--detach-keys", "q", "sh"}, {"PROCTOR_DETACH_KEYS=bad key"});
  run->Type("q");
  EXPECT_EQ(run->Wait(), 0);
  run = OnTerminal({"run", "-it", "sh"}, 24, {"PROCTOR_DETACH_KEYS=bad key"});
  EXPECT_EQ(run->Wait(), 125);
  EXPECT_TRUE(run->Shows("$PROCTOR_DETACH_KEYS: 'bad key'")) << run->shown();
}

TEST_F(InteractiveKeysTest, UnansweredDetachmentIsNoSuccess) {
  Serve(/*stubborn=*/true);
  const auto run = Ready({"run", "-it", "sh"});
  run->Type("~d");
  EXPECT_EQ(run->Wait(), 125);
  terminal_.AwaitInput("<detach><lost>");
  EXPECT_TRUE(run->IsAsBefore());
  EXPECT_TRUE(run->Shows("did not answer that it lets go")) << run->shown();
  EXPECT_TRUE(run->Shows("a server that still runs hangs up its terminal")) << run->shown();
}

TEST_F(InteractiveKeysTest, DisconnectEndsTheStreamAndTellsTheFate) {
  const auto run = Ready({"run", "-it", "--keep", "sh"});
  run->Type("ab\r");
  terminal_.AwaitInput("ab\r");
  run->Type("~.");
  EXPECT_EQ(run->Wait(), 125);
  terminal_.AwaitInput("ab\r<lost>");
  EXPECT_TRUE(run->IsAsBefore());
  EXPECT_TRUE(run->Shows("disconnected from process ")) << run->shown();
  EXPECT_TRUE(run->Shows(": the process goes on;")) << run->shown();
}

TEST_F(InteractiveKeysTest, DisconnectDoesNotWaitForAProcessThatDoesNotRead) {
  server_.behaviour().run = [](grpc::ServerContext* context, RunStream* stream) {
    v1::RunProcessRequest request;
    stream->Read(&request);
    Say<v1::RunProcessResponse>(stream, Started());
    Say<v1::RunProcessResponse>(stream, Stdout(0, "ready"));
    return UntilCancelled(context);
  };
  const auto run = OnTerminal({"run", "-it", "sh"});
  ASSERT_TRUE(run->Shows("ready"));
  run->Type(std::string(300'000, 'x') + "\r~.");
  EXPECT_EQ(run->Wait(), 125);
  EXPECT_TRUE(run->Shows("disconnected from process")) << run->shown();
}

TEST_F(InteractiveKeysTest, HelpListsTheKeys) {
  const auto run = Ready({"run", "-it", "--escape-char", "%", "sh"});
  run->Type("%?");
  EXPECT_TRUE(run->Shows("\r\n  %.   disconnect\r\n")) << run->shown();
  EXPECT_TRUE(run->Shows("\r\n  %d   detach: the process goes on\r\n")) << run->shown();
  // Still at the start of the line.
  run->Type("%.");
  EXPECT_EQ(run->Wait(), 125);
}

}  // namespace
}  // namespace proctor::cli
