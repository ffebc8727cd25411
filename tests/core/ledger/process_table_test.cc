#include "core/ledger/process_table.h"

#include <gtest/gtest.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "proctor/error.h"

namespace proctor {
namespace {

ProcessInfo Info(const std::string& id, ProcessState state, const std::string& session = "s") {
  ProcessInfo info;
  info.id = id;
  // In the order in which ids first come up.
  static auto* const ordinals = new std::map<std::string, uint64_t>;
  info.ordinal = ordinals->emplace(id, ordinals->size() + 1).first->second;
  info.session_id = session;
  info.state = state;
  info.command = std::make_shared<const Command>();
  return info;
}

bool All(const ProcessInfo&) { return true; }

TEST(ProcessTable, FindsWhatWasPublishedLast) {
  ProcessTable table(10);
  table.Publish(Info("a", ProcessState::kRunning));
  EXPECT_EQ((*table.Find("a"))->state, ProcessState::kRunning);
  table.Publish(Info("a", ProcessState::kExited));
  EXPECT_EQ((*table.Find("a"))->state, ProcessState::kExited);
  EXPECT_EQ(ErrorReason(table.Find("b").status()), "PROCESS_NOT_FOUND");
}

TEST(ProcessTable, ListsInTheOrderOfStartsWhateverChangesLater) {
  ProcessTable table(10);
  for (const char* id : {"z", "x", "y"}) table.Publish(Info(id, ProcessState::kRunning));
  table.Publish(Info("z", ProcessState::kExited));
  auto all = table.List(0, 10, All);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].info->id, "z");
  EXPECT_EQ(all[1].info->id, "x");
  auto rest = table.List(all[1].ordinal, 10, All);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].info->id, "y");
  EXPECT_EQ(table.List(0, 2, All).size(), 2u);
}

TEST(ProcessTable, ATreeIsSaidToBeEmptyOfWhatIsListed) {
  ProcessTable table(10);
  EXPECT_FALSE(table.SetTreeEmpty("a"));
  table.Publish(Info("a", ProcessState::kDrained));
  EXPECT_TRUE(table.SetTreeEmpty("a"));
  EXPECT_TRUE((*table.Find("a"))->tree_empty);
  EXPECT_EQ(table.CountAll().ended, 1u);
  EXPECT_TRUE(table.ClaimRemoval("a"));
  EXPECT_FALSE(table.SetTreeEmpty("a")) << "it is about to go";
  table.Remove("a");
  EXPECT_FALSE(table.SetTreeEmpty("a"));
  EXPECT_EQ(table.CountAll().ended, 0u);
}

TEST(ProcessTable, CountsBySessionAndInAll) {
  ProcessTable table(10);
  table.Publish(Info("a", ProcessState::kRunning, "one"));
  table.Publish(Info("b", ProcessState::kRunning, "two"));
  table.Publish(Info("b", ProcessState::kExited, "two"));
  table.Publish(Info("b", ProcessState::kDrained, "two"));
  EXPECT_EQ(table.CountOf("one").running, 1u);
  EXPECT_EQ(table.CountOf("two").running, 0u);
  EXPECT_EQ(table.CountOf("two").ended, 1u);
  EXPECT_EQ(table.CountAll().running, 1u);
  EXPECT_TRUE(table.ClaimRemoval("b"));
  EXPECT_FALSE(table.ClaimRemoval("b"));
  EXPECT_EQ(table.CountAll().ended, 1u);
  table.Remove("b");
  EXPECT_FALSE(table.ClaimRemoval("b"));
  EXPECT_EQ(table.CountAll().ended, 0u);
}

// Whoever asks second for its removal is answered before the first has done it.
TEST(ProcessTable, WhatSomebodyRemovesIsNotFoundThoughStillListed) {
  ProcessTable table(10);
  table.Publish(Info("a", ProcessState::kDrained));
  ASSERT_TRUE(table.ClaimRemoval("a"));
  EXPECT_EQ(ErrorReason(table.Find("a").status()), "PROCESS_NOT_FOUND");
  EXPECT_EQ(table.List(0, 10, All).size(), 1u);
}

TEST(ProcessTable, KeepsAPlaceForWhatIsBeingStarted) {
  ProcessTable table(10, /*max_running=*/2);
  ASSERT_TRUE(table.BeginStart().ok());
  ASSERT_TRUE(table.BeginStart().ok());
  const absl::Status refused = table.BeginStart();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  const ErrorMetadata expected = {{"quota", "server_processes"}, {"limit", "2"}, {"used", "2"}};
  EXPECT_EQ(ErrorVariables(refused), expected);
  table.CancelStart();
  ASSERT_TRUE(table.BeginStart().ok());
  table.Publish(Info("a", ProcessState::kRunning));
  table.Publish(Info("b", ProcessState::kRunning));
  EXPECT_FALSE(table.BeginStart().ok());
  table.Publish(Info("a", ProcessState::kExited));
  EXPECT_TRUE(table.BeginStart().ok());
}

ProcessInfo Named(const std::string& id, ProcessState state, const std::string& name) {
  ProcessInfo info = Info(id, state);
  Command command;
  command.name = name;
  info.command = std::make_shared<const Command>(command);
  return info;
}

TEST(ProcessTable, ANameStandsForWhoeverRunsWithItOrDidLast) {
  ProcessTable table(10);
  EXPECT_EQ(ErrorReason(table.Find("web").status()), "PROCESS_NOT_FOUND");
  EXPECT_EQ(table.IdOf("web"), "web");
  table.Publish(Named("n1", ProcessState::kRunning, "web"));
  EXPECT_EQ((*table.Find("web"))->id, "n1");
  table.Publish(Named("n1", ProcessState::kDrained, "web"));
  EXPECT_EQ(table.IdOf("web"), "n1") << "the last one that had it";
  table.Publish(Named("n2", ProcessState::kRunning, "web"));
  EXPECT_EQ(table.IdOf("web"), "n2");
  table.Publish(Named("n2", ProcessState::kDrained, "web"));
  ASSERT_TRUE(table.ClaimRemoval("n2"));
  EXPECT_EQ(table.IdOf("web"), "n1") << "the other one is about to go";
  table.Remove("n2");
  EXPECT_EQ(table.IdOf("web"), "n1");
  table.Remove("n1");
  EXPECT_EQ(ErrorReason(table.Find("web").status()), "PROCESS_NOT_FOUND");
}

TEST(ProcessTable, AnIdComesBeforeAName) {
  ProcessTable table(10);
  table.Publish(Named("n3", ProcessState::kRunning, "n4"));
  table.Publish(Info("n4", ProcessState::kRunning));
  EXPECT_EQ(table.IdOf("n4"), "n4");
}

TEST(ProcessTable, ANameIsOnesFromBeforeItsStartToItsEnd) {
  ProcessTable table(10);
  ASSERT_TRUE(table.BeginStart("db", "n5").ok());
  const auto expect_taken = [&](const absl::Status& refused) {
    EXPECT_EQ(refused.code(), absl::StatusCode::kAlreadyExists);
    EXPECT_EQ(ErrorReason(refused), "NAME_IN_USE");
    EXPECT_EQ(ErrorVariables(refused)["process_id"], "n5");
    EXPECT_EQ(ErrorVariables(refused)["name"], "db");
  };
  expect_taken(table.BeginStart("db", "n6"));
  EXPECT_TRUE(table.BeginStart("other", "n7").ok());
  table.CancelStart("db");
  ASSERT_TRUE(table.BeginStart("db", "n5").ok()) << "nothing was started";
  table.Publish(Named("n5", ProcessState::kRunning, "db"));
  expect_taken(table.BeginStart("db", "n6"));
  table.Publish(Named("n5", ProcessState::kExited, "db"));
  EXPECT_TRUE(table.BeginStart("db", "n6").ok()) << "its output may come later";
  EXPECT_EQ(table.IdOf("db"), "n5") << "the other one is not there yet";
  table.Publish(Named("n6", ProcessState::kRunning, "db"));
  EXPECT_EQ(table.IdOf("db"), "n6");
}

TEST(ProcessTable, CountsTheSpecificationsOfWhatIsListed) {
  MemoryBudget memory(0);
  ProcessTable table(10, 0, &memory);
  ProcessInfo info = Info("large", ProcessState::kRunning);
  auto command = std::make_shared<Command>();
  command->argv = {"true", std::string(100000, 'x')};
  info.command = command;
  table.Publish(info);
  const uint64_t used = memory.used();
  EXPECT_GE(used, 100000u);
  info.state = ProcessState::kDrained;
  table.Publish(info);
  EXPECT_EQ(memory.used(), used) << "the same process";
  command = std::make_shared<Command>(*command);
  command->labels["key"] = std::string(200, 'v');
  info.command = command;
  table.Publish(info);
  EXPECT_GE(memory.used(), used + 200);
  table.Remove("large");
  table.Remove("large");
  EXPECT_EQ(memory.used(), 0u);
}

TEST(ProcessTable, NamesTheEndedOneThatIsOneTooMany) {
  ProcessTable table(2);
  for (int i = 0; i < 2; ++i) {
    table.Publish(Info(absl::StrCat("ended", i), ProcessState::kDrained));
    EXPECT_EQ(table.TakeSurplus(), nullptr);
  }
  table.Publish(Info("running", ProcessState::kRunning));
  table.Publish(Info("ended2", ProcessState::kDrained));
  auto victim = table.TakeSurplus();
  ASSERT_NE(victim, nullptr);
  EXPECT_EQ(victim->id, "ended0");
  EXPECT_TRUE(table.ClaimRemoval("ended0"));
  EXPECT_EQ(table.TakeSurplus(), nullptr);
  table.Remove("ended0");
  table.Publish(Info("running", ProcessState::kExited));
  EXPECT_EQ(table.TakeSurplus(), nullptr);
}

TEST(ProcessTable, WhatSomebodyRemovesIsNoSurplus) {
  ProcessTable table(1);
  table.Publish(Info("claimed", ProcessState::kDrained));
  table.Publish(Info("kept", ProcessState::kDrained));
  ASSERT_TRUE(table.ClaimRemoval("claimed"));
  EXPECT_EQ(table.TakeSurplus(), nullptr);
}

TEST(ProcessTable, NamesEachSurplusOnceThoughItIsStillListed) {
  ProcessTable table(2);
  for (int i = 0; i < 5; ++i) {
    table.Publish(Info(absl::StrCat("many", i), ProcessState::kDrained));
  }
  for (const char* id : {"many0", "many1", "many2"}) {
    auto victim = table.TakeSurplus();
    ASSERT_NE(victim, nullptr);
    EXPECT_EQ(victim->id, id);
  }
  EXPECT_EQ(table.TakeSurplus(), nullptr);
  table.Publish(Info("many0", ProcessState::kDrained));  // as an update does
  EXPECT_EQ(table.TakeSurplus(), nullptr);
  EXPECT_TRUE(table.ClaimRemoval("many0")) << "nobody has claimed it by that";
}

}  // namespace
}  // namespace proctor
