#include "core/tree/cgroup_root.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "proctor/error.h"
#include "tests/core/tree/test_cgroup.h"

namespace proctor {
namespace {

class CgroupRootTest : public testing::Test {
 protected:
  void SetUp() override {
    auto directory = MakeTestCgroup();
    if (!directory.ok()) GTEST_SKIP() << directory.status();
    directory_ = *directory;
    auto root = CgroupRoot::Open(directory_);
    if (!root.ok()) GTEST_SKIP() << root.status();
    root_ = *std::move(root);
  }
  void TearDown() override {
    root_.reset();
    if (!directory_.empty()) {
      EXPECT_TRUE(Cgroup(directory_).Remove());
    }
  }

  size_t Servers() const {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      count += entry.path().filename().string().starts_with("proctor-") ? 1 : 0;
    }
    return count;
  }

  std::string directory_;
  std::shared_ptr<CgroupRoot> root_;
};

TEST_F(CgroupRootTest, RemovesItsGroupsAtTheEnd) {
  { auto tree = root_->MakeTree("p", {}); }
  auto other = CgroupRoot::Open(directory_);
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ(Servers(), 2u);
  other->reset();
  EXPECT_EQ(Servers(), 1u);
  root_.reset();
  EXPECT_EQ(Servers(), 0u);
}

TEST_F(CgroupRootTest, RemovesWhatADeadServerHasLeft) {
  const Cgroup dead = Cgroup(directory_).Child("proctor-dead");
  ASSERT_TRUE(dead.Make().ok());
  ASSERT_TRUE(dead.Child("process").Make().ok());
  auto other = CgroupRoot::Open(directory_);
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_FALSE(std::filesystem::exists(dead.path()));
  EXPECT_EQ(Servers(), 2u);
}

TEST_F(CgroupRootTest, FindsAndCountsWhatRunsOnOfADeadServer) {
  const Cgroup dead = Cgroup(directory_).Child("proctor-dead");
  const Cgroup group = dead.Child("process");
  ASSERT_TRUE(dead.Make().ok());
  ASSERT_TRUE(group.Make().ok());
  const pid_t child = ::fork();
  if (child == 0) {
    while (true) ::pause();
  }
  ASSERT_TRUE(group.Write("cgroup.procs", absl::StrCat(child)).ok());
  // Another server looks at it just now.
  auto looked_at = dead.Open();
  ASSERT_TRUE(looked_at.ok());
  ASSERT_EQ(::flock(looked_at->get(), LOCK_SH), 0);
  auto root = CgroupRoot::Open(directory_);
  ASSERT_TRUE(root.ok()) << root.status();
  EXPECT_EQ(*(*root)->CountLeft("process"), 1u);
  EXPECT_NE((*root)->FindLeft("process"), nullptr);
  EXPECT_EQ(*(*root)->CountLeft("another"), 0u);
  ::kill(child, SIGKILL);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(*(*root)->CountLeft("process"), 0u);
  EXPECT_EQ((*root)->FindLeft("process"), nullptr);
}

TEST_F(CgroupRootTest, CannotTellWithoutDescriptorsAndSaysSo) {
  const Cgroup group = Cgroup(directory_).Child("probe");
  EXPECT_FALSE(*group.Populated());  // there is none
  ASSERT_TRUE(group.Make().ok());
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none = {0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto populated = group.Populated();
  auto tree = root_->MakeTree("short", {});
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(ErrorVariables(populated.status())["errno_name"], "EMFILE") << populated.status();
  EXPECT_EQ(ErrorReason(tree.status()), "SPAWN_RESOURCES") << tree.status();
  EXPECT_TRUE(group.Remove());
}

TEST_F(CgroupRootTest, RefusesALimitWhoseControllerIsNotThere) {
  const auto controllers = root_->controllers();
  const struct {
    const char* controller;
    CgroupLimits limits;
    const char* field;
  } cases[] = {{"memory", {.memory_bytes = 1 << 30}, "cgroup.memory_bytes"},
               {"pids", {.pids = 10}, "cgroup.pids"},
               {"cpu", {.cpus = 1}, "cgroup.cpus"},
               {"io", {.io_weight = 10}, "cgroup.io_weight"}};
  for (const auto& limit : cases) {
    const bool there =
        std::find(controllers.begin(), controllers.end(), limit.controller) != controllers.end();
    auto tree = root_->MakeTree(limit.controller, limit.limits);
    if (there) continue;  // tests of limits try them
    EXPECT_TRUE(absl::IsFailedPrecondition(tree.status())) << tree.status();
    EXPECT_EQ(ErrorReason(tree.status()), "LIMIT_UNAVAILABLE");
    EXPECT_EQ(ErrorVariables(tree.status())["field"], limit.field);
  }
}

}  // namespace
}  // namespace proctor
