// What runs on in the control group of a lost process.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "core/tree/cgroup.h"
#include "core/tree/cgroup_root.h"
#include "tests/core/registry/session_restore_fixture.h"
#include "tests/core/tree/test_cgroup.h"

namespace proctor {
namespace {

// A group of the test's own, in which a dead server has one for a process, with a child of ours.
class SessionRestoreSurvivors : public SessionRestore {
 protected:
  void SetUp() override {
    auto directory = MakeTestCgroup();
    if (!directory.ok()) GTEST_SKIP() << directory.status();
    directory_ = *directory;
  }
  void TearDown() override {
    EndSurvivor();
    if (!directory_.empty()) {
      EXPECT_TRUE(Cgroup(directory_).Remove());
    }
  }

  void LeaveSurvivor(const std::string& process_id) {
    const Cgroup dead = Cgroup(directory_).Child("proctor-dead");
    ASSERT_TRUE(dead.Make().ok());
    ASSERT_TRUE(dead.Child(process_id).Make().ok());
    survivor_ = ::fork();
    if (survivor_ == 0) {
      while (true) ::pause();
    }
    ASSERT_TRUE(dead.Child(process_id).Write("cgroup.procs", absl::StrCat(survivor_)).ok());
  }
  void EndSurvivor() {
    if (survivor_ == 0) return;
    ::kill(survivor_, SIGKILL);
    EXPECT_GT(::waitpid(std::exchange(survivor_, 0), nullptr, 0), 0);
  }

  SessionRegistry::Options WithTrees() const {
    SessionRegistry::Options options;
    auto trees = ProcessTrees::Open(directory_);
    EXPECT_TRUE(trees.ok()) << trees.status();
    if (trees.ok()) options.trees = *trees;
    return options;
  }

  // A process that was lost with its server and has a survivor; the store of that server.
  std::string LoseWithSurvivor(const TemporaryDirectory** directory) {
    auto server = Open(first_.path());
    const std::string id = server->Start(server->Open(), MakeCommand("wait_forever"));
    *directory = &Lose(first_);
    LeaveSurvivor(id);
    return id;
  }

  static ProcessInfo LookAt(Server& server, const std::string& id) {
    return *server.registry().LookAtSurvivors(std::make_shared<const ProcessInfo>(server.Find(id)));
  }

  std::string directory_;
  pid_t survivor_ = 0;
};

TEST_F(SessionRestoreSurvivors, AreCountedUntilNoneIsLeftWhichIsRemembered) {
  const TemporaryDirectory* directory = nullptr;
  const std::string id = LoseWithSurvivor(&directory);
  auto next = Open(directory->path(), WithTrees());
  next->Restore();
  EXPECT_EQ(warnings_.Count("has left processes that run on"), 1u);
  ExpectLost(next->Find(id));
  EXPECT_TRUE(next->registry().MayHaveSurvivors(id));
  EXPECT_EQ(LookAt(*next, id).survivors, 1u);
  EXPECT_FALSE(LookAt(*next, id).tree_empty);
  EXPECT_EQ(next->Find(id).survivors, 0u) << "only who asks is told";
  EndSurvivor();
  EXPECT_EQ(LookAt(*next, id).survivors, 0u);
  EXPECT_TRUE(next->Find(id).tree_empty);
  EXPECT_FALSE(next->registry().MayHaveSurvivors(id));
  EXPECT_EQ(ErrorReason(next->registry().SignalSurvivors(next->Find(id), {SIGTERM}, "me")),
            "PROCESS_EXITED");

  auto after = Open(Lose(*directory).path());
  next.reset();
  after->Restore();
  EXPECT_TRUE(after->Find(id).tree_empty);
  EXPECT_EQ(LookAt(*after, id).survivors, 0u);
}

TEST_F(SessionRestoreSurvivors, AProcessThatIsForgottenStaysForgotten) {
  const TemporaryDirectory* directory = nullptr;
  const std::string id = LoseWithSurvivor(&directory);
  auto next = Open(directory->path(), WithTrees());
  next->Restore();
  const auto known = std::make_shared<const ProcessInfo>(next->Find(id));
  next->registry().ForgetProcess(*known, RemovalReason::kClientRequest);
  EXPECT_FALSE(next->registry().MayHaveSurvivors(id));
  EndSurvivor();
  EXPECT_FALSE(next->registry().LookAtSurvivors(known)->tree_empty) << "nobody looks any more";
  EXPECT_FALSE(next->Lists(id));
  auto after = Open(Lose(*directory).path());
  next.reset();
  after->Restore();
  EXPECT_FALSE(after->Lists(id));
}

}  // namespace
}  // namespace proctor
