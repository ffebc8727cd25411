#include "client/cli/text/colour.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "tests/client/cli/command_fixture.h"
#include "tests/client/terminal_run.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

TEST(ColourTest, PaintsAndLeavesPlainTextAlone) {
  EXPECT_EQ(Paint(Colour::kRed, "x"), "\x1b[31mx\x1b[0m");
  EXPECT_EQ(Paint(Colour::kNone, "x"), "x");
}

TEST(ColourTest, AFileIsColouredOnRequestOnly) {
  const int file = open("/dev/null", O_WRONLY | O_CLOEXEC);
  EXPECT_FALSE(IsColoured(ColourWhen::kAuto, file));
  EXPECT_FALSE(IsColoured(ColourWhen::kNever, file));
  EXPECT_TRUE(IsColoured(ColourWhen::kAlways, file));
  close(file);
}

class ClosingLineTest : public CommandFixture {
 protected:
  ClosingLineTest() {
    v1::ExitStatus status = KilledBy(SIGKILL, "SIGKILL");
    status.set_cause(v1::EXIT_CAUSE_OOM_KILLED);
    Script({Started(), Exited(status), Drained(0, 0)});
  }
};

TEST_F(ClosingLineTest, IsRedOnATerminal) {
  TerminalRun run({{"--host", server_.host(), "run", "x"}, {"TERM=xterm"}, ""}, 24, 80);
  EXPECT_EQ(run.Wait(), 137);
  EXPECT_TRUE(absl::StrContains(run.shown(), "proctor: run: \x1b[31mprocess ")) << run.shown();
}

TEST_F(ClosingLineTest, IsPlainInAPipe) {
  EXPECT_EQ(Run({"run", "x"}, {"TERM=xterm"}), 137);
  EXPECT_TRUE(absl::StrContains(err_, "proctor: run: process ")) << err_;
}

}  // namespace
}  // namespace proctor::cli
