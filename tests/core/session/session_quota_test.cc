#include "core/session/session_quota.h"

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace proctor {
namespace {

Command Keeping(uint64_t bytes) {
  Command command;
  command.retain_bytes = bytes;
  return command;
}

TEST(QuotaUse, WithoutAQuotaEverythingGoes) {
  QuotaUse use({});
  use.SetOutput("a", 1 << 20);
  EXPECT_TRUE(use.CheckStart(Keeping(uint64_t{1} << 60), 1000000).ok());
  EXPECT_TRUE(use.CheckOutput("wanted", ~uint64_t{0}).ok());
}

TEST(QuotaUse, CountsWhatRuns) {
  QuotaUse use({.max_running_processes = 2});
  EXPECT_TRUE(use.CheckStart(Keeping(4096), 1).ok());
  const absl::Status refused = use.CheckStart(Keeping(4096), 2);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(refused), "QUOTA_EXCEEDED");
  const ErrorMetadata expected = {{"quota", "running_processes"}, {"limit", "2"}, {"used", "2"}};
  EXPECT_EQ(ErrorVariables(refused), expected);
}

TEST(QuotaUse, SumsTheOutputOfAll) {
  QuotaUse use({.max_output_bytes = 10000});
  use.SetOutput("a", 4096);
  EXPECT_TRUE(use.CheckStart(Keeping(5904), 0).ok());
  EXPECT_EQ(ErrorVariables(use.CheckStart(Keeping(5905), 0)).at("quota"), "output_bytes");
  use.SetOutput("a", 100);  // it ended, and wrote little
  EXPECT_TRUE(use.CheckStart(Keeping(9900), 0).ok());
  use.SetOutput("b", 9900);
  EXPECT_EQ(use.output_bytes(), 10000u);
  EXPECT_EQ(ErrorVariables(use.CheckOutput("wanted", 1)).at("used"), "10000");
  EXPECT_TRUE(use.CheckOutput("wanted", 0).ok());
  use.Remove("b");
  use.Remove("never seen");
  EXPECT_EQ(use.output_bytes(), 100u);
}

TEST(QuotaUse, WhatWritesToNobodyKeepsNothing) {
  QuotaUse use({.max_output_bytes = 4096});
  Command command = Keeping(8192);
  EXPECT_FALSE(use.CheckStart(command, 0).ok());
  command.stdout_mode = command.stderr_mode = StdioMode::kNull;
  EXPECT_TRUE(use.CheckStart(command, 0).ok());
  command.terminal.emplace();
  EXPECT_FALSE(use.CheckStart(command, 0).ok());
}

}  // namespace
}  // namespace proctor
