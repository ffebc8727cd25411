#include "core/session/session_quota.h"

#include <gtest/gtest.h>

#include "core/command/command_excerpt.h"
#include "proctor/error.h"

namespace proctor {
namespace {

Command Keeping(uint64_t bytes) {
  Command command;
  command.retain_bytes = bytes;
  return command;
}

TEST(QuotaUse, WithoutAQuotaEverythingGoes) {
  MemoryBudget memory(0);
  QuotaUse use({}, &memory);
  use.Set("a", 1 << 20, Command());
  EXPECT_TRUE(use.TakeStart(Keeping(uint64_t{1} << 60), 1000000).ok());
  EXPECT_TRUE(use.TakeOutput("wanted", uint64_t{1} << 62).ok());
}

TEST(QuotaUse, CountsWhatRuns) {
  MemoryBudget memory(0);
  QuotaUse use({.max_running_processes = 2}, &memory);
  EXPECT_TRUE(use.TakeStart(Keeping(4096), 1).ok());
  const absl::Status refused = use.TakeStart(Keeping(4096), 2).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(refused), "QUOTA_EXCEEDED");
  const ErrorMetadata expected = {{"quota", "running_processes"}, {"limit", "2"}, {"used", "2"}};
  EXPECT_EQ(ErrorVariables(refused), expected);
}

TEST(QuotaUse, SumsTheOutputOfAll) {
  MemoryBudget memory(0);
  QuotaUse use({.max_output_bytes = 10000}, &memory);
  use.Set("a", 4096, Command());
  EXPECT_TRUE(use.TakeStart(Keeping(5904), 0).ok());
  EXPECT_EQ(ErrorVariables(use.TakeStart(Keeping(5905), 0).status()).at("quota"), "output_bytes");
  use.Set("a", 100, Command());  // it ended, and wrote little
  EXPECT_TRUE(use.TakeStart(Keeping(9900), 0).ok());
  use.Set("b", 9900, Command());
  EXPECT_EQ(use.output_bytes(), 10000u);
  EXPECT_EQ(ErrorVariables(use.TakeOutput("wanted", 1).status()).at("used"), "10000");
  EXPECT_TRUE(use.TakeOutput("wanted", 0).ok());
  use.Remove("b");
  use.Remove("never seen");
  EXPECT_EQ(use.output_bytes(), 100u);
}

TEST(QuotaUse, WhatWritesToNobodyKeepsNothing) {
  MemoryBudget memory(0);
  QuotaUse use({.max_output_bytes = 4096}, &memory);
  Command command = Keeping(8192);
  EXPECT_FALSE(use.TakeStart(command, 0).ok());
  command.stdout_mode = command.stderr_mode = StdioMode::kNull;
  EXPECT_TRUE(use.TakeStart(command, 0).ok());
  command.terminal.emplace();
  EXPECT_FALSE(use.TakeStart(command, 0).ok());
}

TEST(QuotaUse, ASpecificationCountsAsFarAsItIsLarge) {
  MemoryBudget memory(0);
  QuotaUse use({.max_output_bytes = 100000}, &memory);
  Command command = Keeping(4096);
  command.argv = {"true", std::string(60000, 'x')};
  ASSERT_TRUE(use.TakeStart(command, 0).ok());
  use.Set("a", 4096, command);
  EXPECT_EQ(use.output_bytes(), 4096 + SpecificationUse(command));
  EXPECT_GT(use.output_bytes(), 60000u);
  EXPECT_EQ(ErrorVariables(use.TakeStart(command, 0).status()).at("quota"), "output_bytes");
  EXPECT_TRUE(use.TakeStart(Keeping(4096), 0).ok());
}

TEST(QuotaUse, CountsOutputOnTheServersBudgetUntilItGoes) {
  MemoryBudget memory(1 << 20);
  {
    QuotaUse use({}, &memory);
    {
      auto hold = use.TakeStart(Keeping(900000), 0);
      ASSERT_TRUE(hold.ok());
      EXPECT_GE(memory.used(), 900000u);
      const absl::Status refused = use.TakeStart(Keeping(900000), 0).status();
      EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
      EXPECT_EQ(ErrorVariables(refused).at("quota"), "memory");
      EXPECT_EQ(ErrorVariables(refused).at("limit"), "1048576");
    }
    EXPECT_EQ(memory.used(), 0u) << "it was held, and not counted";
    use.Set("a", 900000, Command());
    EXPECT_EQ(memory.used(), 900000u);
    EXPECT_FALSE(use.TakeOutput("wanted", 900000).ok());
    use.Set("a", 10, Command());  // it ended, and wrote little
    use.Set("b", 20, Command());
    use.Remove("a");
    EXPECT_EQ(memory.used(), 20u);
    EXPECT_GE(memory.given_back(), 900000u);
  }
  EXPECT_EQ(memory.used(), 0u);
}

TEST(QuotaUse, WhatTakesNoMoreIsNeverRefused) {
  MemoryBudget memory(1000);
  QuotaUse use({.max_output_bytes = 1000}, &memory);
  use.Set("a", 5000, Command());  // as after a restart with less
  EXPECT_TRUE(use.TakeOutput("wanted", 0).ok());
  EXPECT_FALSE(use.TakeOutput("wanted", 1).ok());
}

}  // namespace
}  // namespace proctor
