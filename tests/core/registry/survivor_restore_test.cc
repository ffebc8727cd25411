// What runs on in the control group of a lost process.

#include <gtest/gtest.h>

#include <memory>

#include "tests/core/registry/survivor_fixture.h"

namespace proctor {
namespace {

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
