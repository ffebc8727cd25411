// What a repeated request finds after the loss of a server.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <set>
#include <utility>

#include "core/storage/sqlite.h"
#include "tests/core/registry/session_restore_fixture.h"

namespace proctor {
namespace {

TEST_F(SessionRestore, ARepeatedRequestFindsTheProcessOfTheServerBefore) {
  const Command command = MakeCommand("wait_forever");
  auto server = Open(first_.path());
  const auto session = server->Open();
  const std::string of_default = server->Start(*server->registry().Find(""), command, "r");
  const std::string of_session = server->Start(session, command, "r");
  const TemporaryDirectory* directory = &Lose(first_);
  server.reset();
  for (int restart = 0; restart < 3; ++restart) {
    SCOPED_TRACE(restart);
    auto next = Open(directory->path());
    next->Restore();
    const SessionRegistry& registry = next->registry();
    const auto again = registry.FindStarted("", "r", command);
    ASSERT_TRUE(again.ok() && *again != nullptr) << again.status();
    EXPECT_EQ((*again)->id, of_default) << "another default session than the one before";
    ExpectLost(**again);
    EXPECT_EQ((*registry.FindStarted(session->id(), "r", command))->id, of_session);
    EXPECT_EQ((*registry.FindStarted("", "r"))->id, of_default) << "to cancel it";
    EXPECT_EQ(ErrorReason(registry.FindStarted("", "r", MakeCommand("spew")).status()),
              "REQUEST_ID_REUSED");
    // Another one is not touched by it.
    EXPECT_EQ(*registry.FindStarted("", "another", command), nullptr);
    const auto now = *next->registry().Find("");
    const std::string id = next->Start(now, MakeCommand("exit_with", "0"), absl::StrCat(restart));
    next->Await(id, ProcessState::kDrained);
    directory = &Lose(*directory);
  }
}

TEST_F(SessionRestore, ARequestAndItsProcessShareOneCommand) {
  auto server = Open(first_.path());
  const std::string id = server->Start(server->Open(), MakeCommand("wait_forever"), "r");
  const auto intent = remembering_.DecodeProcess("1");
  const auto start = remembering_.DecodeProcess("2");
  ASSERT_TRUE(intent.ok() && start.ok());
  EXPECT_EQ(intent->id, id);
  EXPECT_EQ(start->id, id);
  EXPECT_EQ(intent->command, start->command) << "not a copy, which no budget counts";
  EXPECT_EQ(server->Find(id).command, start->command);
}

TEST_F(SessionRestore, WhatWasCancelledOrForgottenStaysSo) {
  const Command command = MakeCommand("exit_with", "0");
  auto server = Open(first_.path());
  const auto session = *server->registry().Find("");
  EXPECT_TRUE(server->Call(session, [&] { return session->CancelStart("c", "").ok(); }));
  const std::string id = server->Start(session, command, "f");
  server->Await(id, ProcessState::kDrained);
  EXPECT_TRUE(server->Call(
      session, [&] { return session->RemoveProcess(id, RemovalReason::kClientRequest).ok(); }));
  auto next = Open(Lose(first_).path());
  next->Restore();
  EXPECT_EQ(ErrorReason(next->registry().FindStarted("", "c", command).status()),
            "START_CANCELLED");
  EXPECT_EQ(ErrorReason(next->registry().FindStarted("", "f", command).status()),
            "PROCESS_NOT_FOUND");
}

// The server is lost between the record of what it is about to do and that of the start.
TEST_F(SessionRestore, WhatMayHaveRunIsToldAsSuchAndNeverRunAgain) {
  const Command command = MakeCommand("wait_forever");
  auto server = Open(first_.path());
  ProcessInfo intent;
  intent.id = "the process";
  intent.session_id = (*server->registry().Find(""))->id();
  intent.command = std::make_shared<const Command>(command);
  intent.started_at = absl::Now();
  intent.watcher = "pidfd";
  const StoredRequest request{
      "", "r", intent.id, remembering_.Digest(command), false, remembering_.Encode(intent)};
  EXPECT_TRUE(server->events()
                  .Record({StateKind::kStartRequest, 1, intent.id, EncodeRequest(request)})
                  .ok());
  const TemporaryDirectory* directory = &Lose(first_);
  server.reset();

  std::vector<const TemporaryDirectory*> middles = {directory};
  {
    TemporaryDirectory whole;
    whole.TakeOver(directory->path());
    auto next = Open(whole.path());
    const uint64_t listener = next->events().AddListener([&] { middles.push_back(&Lose(whole)); });
    next->Restore();
    next->events().RemoveListener(listener);
    EXPECT_EQ(middles.size(), 1u + 4u) << "started, exited, drained, session closed";
  }
  for (const auto* middle : middles) {
    auto next = Open(middle->path());
    next->Restore();
    const auto again = next->registry().FindStarted("", "r", command);
    ASSERT_TRUE(again.ok() && *again != nullptr) << again.status();
    EXPECT_EQ((*again)->id, intent.id);
    EXPECT_EQ((*again)->pid, 0);
    EXPECT_TRUE(*(*again)->command == command);
    EXPECT_EQ((*again)->state, ProcessState::kDrained);
    EXPECT_EQ((*again)->exit_status->wait.reason, "SERVER_LOST_AT_START");
    EXPECT_EQ(next->EventsOf<ProcessStarted>(intent.id).size(), 1u);
    EXPECT_EQ(next->EventsOf<ProcessExited>(intent.id).size(), 1u);
    EXPECT_EQ(next->EventsOf<OutputDrained>(intent.id).size(), 1u);
    const auto closed = next->EventsOf<SessionClosed>(intent.session_id);
    ASSERT_EQ(closed.size(), 1u);
    EXPECT_GT(closed[0]->sequence, next->EventsOf<OutputDrained>(intent.id)[0]->sequence);
  }
}

TEST_F(SessionRestore, ARepeatedRequestFindsTheSessionOfTheServerBefore) {
  const SessionOptions options{.labels = {{"a", "b"}}, .lease = absl::Hours(1)};
  auto server = Open(first_.path());
  const std::string id = server->registry().CreateOnce("r", options)->id;
  const TemporaryDirectory* directory = &Lose(first_);
  server.reset();
  for (int restart = 0; restart < 2; ++restart) {
    auto next = Open(directory->path());
    next->Restore();
    const auto again = next->registry().CreateOnce("r", options);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->id, id);
    EXPECT_EQ(again->state, SessionState::kClosed);
    EXPECT_EQ(ErrorReason(next->registry().CreateOnce("r", {}).status()), "REQUEST_ID_REUSED");
    EXPECT_NE(next->registry().CreateOnce(absl::StrCat("new", restart), options)->id, id);
    directory = &Lose(*directory);
  }
}

TEST_F(SessionRestore, WhatWasLostDoesNotRunOnOnceTheMachineHasBooted) {
  const auto boot = [](const TemporaryDirectory& directory) {
    auto connection = SqliteConnection::Open(directory.File("events.db"), /*create=*/false);
    ASSERT_TRUE(connection.ok());
    ASSERT_TRUE(
        connection->Execute("UPDATE meta SET value = 'before' WHERE name = 'boot_id'").ok());
  };
  auto server = Open(first_.path());
  const auto session = server->Open();
  const std::string lost = server->Start(session, MakeCommand("wait_forever"));
  const std::string ended = server->Start(session, MakeCommand("exit_with", "0"));
  server->Await(ended, ProcessState::kDrained);
  const TemporaryDirectory* directory = &Lose(first_);
  const TemporaryDirectory* booted_at_once = &Lose(first_);
  server.reset();
  boot(*booted_at_once);
  {
    auto next = Open(booted_at_once->path());
    next->Restore();
    ExpectLost(next->Find(lost));
    EXPECT_TRUE(next->Find(lost).tree_empty);
  }
  {
    auto next = Open(directory->path());
    next->Restore();
    ExpectLost(next->Find(lost));
    EXPECT_FALSE(next->Find(lost).tree_empty) << "only its server is lost";
  }
  boot(*directory);
  for (int restart = 1; restart <= 2; ++restart) {  // found out, and remembered
    auto next = Open(directory->path());
    next->Restore();
    ExpectLost(next->Find(lost));
    EXPECT_TRUE(next->Find(lost).tree_empty) << restart;
    EXPECT_EQ(next->EventsOf<ProcessExited>(lost).size(), 1u);
    EXPECT_EQ(next->Find(ended).exit_status->wait.exit_code, 0);
  }
}

}  // namespace
}  // namespace proctor
