// Processes whose trees are found by the mechanism that a test is given.
#pragma once

#include <memory>

#include "core/tree/process_tree.h"
#include "tests/core/process/process_fixture.h"

namespace proctor {

// `Fixture` is ProcessFixture, or what stands on it. Skipped where there is no control group.
template <typename Fixture>
class OnEachMechanism : public Fixture, public testing::WithParamInterface<TreeMechanism> {
 protected:
  void SetUp() override {
    Fixture::SetUp();
    const bool groups = this->GetParam() == TreeMechanism::kCgroup;
    auto trees = ProcessTrees::Open(groups ? "auto" : "none");
    ASSERT_TRUE(trees.ok()) << trees.status();
    if (groups && !(*trees)->cgroup().ok()) {
      GTEST_SKIP() << "no control group here: " << (*trees)->cgroup().status();
    }
    this->trees_ = *trees;
  }

  void TearDown() override {
    this->trees_.reset();
    Fixture::TearDown();
  }
};

// "Cgroup" or "Walk", for INSTANTIATE_TEST_SUITE_P.
inline std::string MechanismName(const testing::TestParamInfo<TreeMechanism>& info) {
  return info.param == TreeMechanism::kCgroup ? "Cgroup" : "Walk";
}

}  // namespace proctor
