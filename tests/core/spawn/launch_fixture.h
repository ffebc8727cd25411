#pragma once

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/spawn/launch_method.h"
#include "proctor/launcher.h"
#include "tests/core/open_descriptors.h"
#include "tests/core/scratch_directory.h"

namespace proctor {

// What tests of the launcher share: each runs once for every method of spawning
// that works here, and must leave no descriptor and no child behind.
class LaunchFixture : public testing::TestWithParam<LaunchMethod> {
 protected:
  // How a child ended and what it wrote.
  struct Outcome {
    int returncode = 0;  // asyncio's
    std::string out;
    std::string err;
  };

  void SetUp() override;
  void TearDown() override;

  // A program of tests/programs with arguments.
  static Command Program(std::string_view name, const std::vector<std::string>& arguments = {});

  absl::StatusOr<LaunchedProcess> Spawn(const Command& command) const {
    return LaunchBy(GetParam(), command);
  }

  // Spawns, feeds stdin where it is piped, reads all, and waits for the end.
  Outcome Run(const Command& command, std::string_view input = "") const;

  // The same for a child that is spawned already.
  static Outcome Finish(LaunchedProcess child, std::string_view input = "");

 private:
  std::set<int> descriptors_;
};

// Whether this process has any child, ended ones included.
bool HasChildren();

// The lines of probe_environment's output that begin with `word`, without it.
std::vector<std::string> Lines(std::string_view text, std::string_view word);

// Makes the kernel refuse a system call to this process and its children with
// `error`, for good: for forked children of a test. False where seccomp itself
// is not to be had.
bool RefuseSystemCall(long number, int error);

// For INSTANTIATE_TEST_SUITE_P.
std::string MethodName(const testing::TestParamInfo<LaunchMethod>& info);

}  // namespace proctor
