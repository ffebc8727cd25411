#include "core/tree/group_tree.h"

#include <signal.h>
#include <sys/wait.h>

#include <memory>

#include "proctor/error.h"
#include "tests/core/process/process_fixture.h"

namespace proctor {
namespace {

using GroupTreeTest = ProcessFixture;

// Where there is nothing to look at.
TEST_F(GroupTreeTest, ReachesTheGroupUntilItsLeaderIsReaped) {
  auto tree = std::make_unique<GroupTree>();
  EXPECT_EQ(tree->mechanism(), TreeMechanism::kGroup);
  auto child = LaunchInto(tree->place(), MakeCommand("wait_forever"));
  ASSERT_TRUE(child.ok()) << child.status();
  tree->OnSpawned({{child->child.pid}, child->user, false});
  absl::Status sent = absl::UnknownError("not told");
  const auto note = [&](const absl::Status& status) { sent = status; };
  tree->Signal(loop_.get(), {SIGTERM}, note);
  EXPECT_TRUE(sent.ok()) << sent;
  siginfo_t info = {};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child->child.pid), &info, WEXITED), 0);
  EXPECT_EQ(info.si_status, SIGTERM);
  tree->OnReaped();
  tree->Signal(loop_.get(), {SIGTERM}, note);
  EXPECT_EQ(ErrorReason(sent), "PROCESS_EXITED") << sent;
  EXPECT_EQ(ErrorReason(tree->AwaitEmpty(loop_.get(), {})), "TREE_UNKNOWN");
}

}  // namespace
}  // namespace proctor
