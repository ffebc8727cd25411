// A registry takes over what the server before it left in a store. Its loss is played by
// copying its files in the middle of its life, as a SIGKILL would leave them.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "core/storage/sqlite.h"
#include "tests/core/registry/session_restore_fixture.h"

namespace proctor {
namespace {

TEST_F(SessionRestore, WhatRanIsLostOnceOverManyRestarts) {
  auto server = Open(first_.path());
  server->Restore();  // nothing
  EXPECT_TRUE(server->Events().empty());
  const auto session = server->Open({.labels = {{"a", "1"}}});
  Command command = MakeCommand("wait_forever");
  command.labels = {{"b", "2"}};
  command.stdin_mode = StdioMode::kPipe;
  const std::string id = server->Start(session, command);
  const ProcessInfo ran = server->Find(id);
  const TemporaryDirectory* directory = &Lose(first_);
  const uint64_t before = server->events().range().last;
  server.reset();

  ProcessInfo lost;
  std::vector<EventLog::EventPtr> events;
  for (int restart = 1; restart <= 5; ++restart) {
    SCOPED_TRACE(restart);
    auto next = Open(directory->path());
    const uint64_t last = next->events().range().last;
    next->Restore();
    if (restart == 1) {
      lost = next->Find(id);
      ExpectLost(lost);
      EXPECT_EQ(lost.pid, ran.pid);
      EXPECT_EQ(lost.ordinal, ran.ordinal);
      EXPECT_TRUE(*lost.command == *ran.command);
      EXPECT_EQ(lost.exit_status->duration, absl::ZeroDuration());
      EXPECT_EQ(next->events().range().last, before + 3);  // exited, drained, session closed
      events = next->Events();
    } else {
      EXPECT_EQ(next->events().range().last, last) << "nothing new is found out";
      ExpectSame(next->Find(id), lost);
      const auto again = next->Events();
      ASSERT_EQ(again.size(), events.size());
      for (size_t i = 0; i < events.size(); ++i) {
        EXPECT_EQ(again[i]->sequence, events[i]->sequence);
        EXPECT_EQ(again[i]->time, events[i]->time);
        EXPECT_EQ(again[i]->detail.index(), events[i]->detail.index());
      }
    }
    const auto exits = next->EventsOf<ProcessExited>(id);
    ASSERT_EQ(exits.size(), 1u);
    EXPECT_TRUE(std::get<ProcessExited>(exits[0]->detail).status == *lost.exit_status);
    EXPECT_EQ(exits[0]->labels.at("b"), "2");
    EXPECT_EQ(next->EventsOf<OutputDrained>(id).size(), 1u);
    const auto closed = next->EventsOf<SessionClosed>(session->id());
    ASSERT_EQ(closed.size(), 1u);
    EXPECT_EQ(std::get<SessionClosed>(closed[0]->detail).reason, CloseReason::kServerLost);
    EXPECT_EQ(closed[0]->labels.at("a"), "1");
    EXPECT_GT(closed[0]->sequence, exits[0]->sequence);
    directory = &Lose(*directory);
  }
}

TEST_F(SessionRestore, WhatHadEndedKeepsItsEndToTheLastField) {
  auto server = Open(first_.path());
  const auto session = server->Open();
  std::vector<std::string> ids = {
      server->Start(session, MakeCommand("exit_with", "0")),
      server->Start(session, MakeCommand("exit_with", "7")),
      server->Start(session, MakeCommand("kill_self", "9")),
      server->Start(session, MakeCommand("spew", "10000")),
  };
  const std::string stopped = server->Start(session, MakeCommand("wait_forever"));
  server->Call(session, [&] {
    (*session->FindProcess(stopped))->Kill({ExitCause::kClientSignal, "somebody"});
    return true;
  });
  ids.push_back(stopped);
  std::map<std::string, ProcessInfo> before;
  for (const std::string& id : ids) {
    server->Await(id, ProcessState::kDrained);
    before[id] = server->Find(id);
  }
  auto next = Open(Lose(first_).path());
  next->Restore();
  for (const std::string& id : ids) {
    ExpectSame(next->Find(id), before[id]);
    EXPECT_EQ(next->EventsOf<ProcessExited>(id).size(), 1u);
    EXPECT_EQ(next->EventsOf<OutputDrained>(id).size(), 1u);
  }
  const auto counts = next->registry().processes().CountOf(session->id());
  EXPECT_EQ(counts.running, 0u);
  EXPECT_EQ(counts.ended, ids.size());
}

TEST_F(SessionRestore, WhatWasChangedStaysChanged) {
  auto server = Open(first_.path());
  const auto session = server->Open();
  Command command = MakeCommand("wait_forever");
  command.labels = {{"a", "1"}, {"b", "1"}};
  const std::string id = server->Start(session, command);
  EXPECT_TRUE(server->Call(session, [&] {
    return session->UpdateProcess(id, {.labels = {{"a", "2"}, {"b", ""}}}).ok();
  }));
  auto next = Open(Lose(first_).path());
  next->Restore();
  const std::map<std::string, std::string> labels = {{"a", "2"}};
  EXPECT_EQ(next->Find(id).command->labels, labels);
}

TEST_F(SessionRestore, WhatHadExitedButNotDrainedKeepsItsStatusAndIsDrainedOnce) {
  auto server = Open(first_.path());
  const auto session = server->Open();
  Command command = MakeCommand("hold_pipe");
  command.drain_grace = absl::Hours(1);
  const std::string id = server->Start(session, command);
  server->Await(id, ProcessState::kExited);
  const ProcessInfo before = server->Find(id);
  const TemporaryDirectory* directory = &Lose(first_);
  server->Call(session, [&] {
    (*session->FindProcess(id))->Signal(SIGKILL, SignalScope::kTree, "", [](const auto&) {});
    return true;
  });
  server.reset();
  for (int restart = 0; restart < 2; ++restart) {
    auto next = Open(directory->path());
    next->Restore();
    const ProcessInfo after = next->Find(id);
    EXPECT_EQ(after.state, ProcessState::kDrained);
    EXPECT_TRUE(after.exit_status == before.exit_status);
    EXPECT_EQ(after.drained->reason, DrainReason::kServerLost);
    EXPECT_EQ(next->EventsOf<ProcessExited>(id).size(), 1u);
    EXPECT_EQ(next->EventsOf<OutputDrained>(id).size(), 1u);
    directory = &Lose(*directory);
  }
}

// Lost again after each of the events with which it takes over.
TEST_F(SessionRestore, ALossInTheMiddleOfTakingOverInventsNothing) {
  auto server = Open(first_.path());
  std::vector<std::string> sessions;
  std::vector<std::string> ids;
  for (int i = 0; i < 2; ++i) {
    const auto session = server->Open();
    sessions.push_back(session->id());
    for (int j = 0; j < 2; ++j) ids.push_back(server->Start(session, MakeCommand("wait_forever")));
  }
  const TemporaryDirectory& lost = Lose(first_);
  server.reset();

  std::vector<const TemporaryDirectory*> middles;
  TemporaryDirectory whole;
  whole.TakeOver(lost.path());
  {
    auto next = Open(whole.path());
    const uint64_t listener = next->events().AddListener([&] { middles.push_back(&Lose(whole)); });
    next->Restore();
    next->events().RemoveListener(listener);
    ASSERT_EQ(middles.size(), 2u * ids.size() + sessions.size());
  }
  for (size_t i = 0; i < middles.size(); ++i) {
    SCOPED_TRACE(i);
    auto next = Open(middles[i]->path());
    std::set<std::string> told;  // before
    for (const auto& event : next->Events()) {
      if (std::holds_alternative<ProcessExited>(event->detail)) told.insert(event->process_id);
    }
    EXPECT_EQ(told.size(), std::min(ids.size(), i / 2 + 1));
    next->Restore();
    for (const std::string& id : ids) {
      ExpectLost(next->Find(id));
      const auto exits = next->EventsOf<ProcessExited>(id);
      ASSERT_EQ(exits.size(), 1u);
      EXPECT_TRUE(std::get<ProcessExited>(exits[0]->detail).status == *next->Find(id).exit_status);
      EXPECT_EQ(next->EventsOf<OutputDrained>(id).size(), 1u);
    }
    for (const std::string& id : sessions) {
      EXPECT_EQ(next->EventsOf<SessionClosed>(id).size(), 1u);
      EXPECT_EQ(next->registry().GetInfo(id)->state, SessionState::kClosed);
    }
  }
}

TEST_F(SessionRestore, SessionsAreClosedAfterTheLastOfTheirProcesses) {
  auto server = Open(first_.path());
  const auto closed = server->Open();
  const auto open = server->Open({.labels = {{"x", "y"}}, .lease = absl::Hours(1)});
  const std::string earlier = server->Start(open, MakeCommand("wait_forever"));
  const auto other = server->Open();
  const std::string later = server->Start(open, MakeCommand("wait_forever"));
  absl::Notification done;
  ASSERT_TRUE(
      server->registry().Close(closed->id(), {}, [&](const SessionInfo&) { done.Notify(); }).ok());
  done.WaitForNotification();
  server->AwaitEvents([&] { return server->EventsOf<SessionClosed>(closed->id()).size() == 1; });
  const SessionInfo before = *server->registry().GetInfo(open->id());
  auto next = Open(Lose(first_).path());
  next->Restore();

  const auto reason = [&](const std::string& id) {
    const auto events = next->EventsOf<SessionClosed>(id);
    EXPECT_EQ(events.size(), 1u);
    return events.empty() ? CloseReason::kUnknown
                          : std::get<SessionClosed>(events[0]->detail).reason;
  };
  EXPECT_EQ(reason(closed->id()), CloseReason::kClientRequest);
  EXPECT_EQ(reason(open->id()), CloseReason::kServerLost);
  EXPECT_EQ(reason(other->id()), CloseReason::kServerLost);
  const uint64_t end = next->EventsOf<SessionClosed>(open->id())[0]->sequence;
  for (const std::string& id : {earlier, later}) {
    EXPECT_LT(next->EventsOf<OutputDrained>(id)[0]->sequence, end);
  }
  const SessionInfo after = *next->registry().GetInfo(open->id());
  EXPECT_EQ(after.state, SessionState::kClosed);
  EXPECT_EQ(after.ordinal, before.ordinal);
  EXPECT_EQ(after.labels, before.labels);
  EXPECT_EQ(after.created_at, before.created_at);
  EXPECT_EQ(after.lease, before.lease);
  EXPECT_EQ(after.watcher, before.watcher);
  EXPECT_EQ(after.loop, before.loop);
  const auto listed = next->registry().List(0, 100, [](const SessionInfo&) { return true; });
  ASSERT_EQ(listed.size(), 3u);
  EXPECT_EQ(listed[0].info.id, closed->id());
  EXPECT_EQ(listed[1].info.id, open->id());
  EXPECT_EQ(listed[2].info.id, other->id());
  EXPECT_EQ(next->registry().open_sessions(), 0u);
}

TEST_F(SessionRestore, WorkGoesOnBesideWhatWasTakenOver) {
  auto server = Open(first_.path());
  const std::string old_default = (*server->registry().Find(""))->id();
  const std::string old = server->Start(*server->registry().Find(""), MakeCommand("wait_forever"));
  auto next = Open(Lose(first_).path(), {.max_processes = 1});
  next->Restore();
  EXPECT_EQ(ErrorReason(next->registry().Find(old_default).status()), "SESSION_CLOSED");
  const auto session = *next->registry().Find("");
  EXPECT_NE(session->id(), old_default);
  const std::string id = next->Start(session, MakeCommand("exit_with", "3"));  // counts alone
  next->Await(id, ProcessState::kDrained);
  EXPECT_GT(next->Find(id).ordinal, next->Find(old).ordinal);
  const auto listed = next->registry().processes().List(0, 10, [](const auto&) { return true; });
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[0].info->id, old);
  next->registry().RemoveProcess(old, RemovalReason::kClientRequest);
  EXPECT_FALSE(next->Lists(old));
  EXPECT_EQ(next->EventsOf<ProcessRemoved>(old).size(), 1u);
}

TEST_F(SessionRestore, WhatIsTooManyIsForgottenOnce) {
  auto server = Open(first_.path());
  std::vector<std::string> sessions;
  std::vector<std::string> ids;
  for (int i = 0; i < 6; ++i) {
    const auto session = server->Open();
    sessions.push_back(session->id());
    ids.push_back(server->Start(session, MakeCommand("exit_with", absl::StrCat(i))));
    server->Await(ids.back(), ProcessState::kDrained);
  }
  const TemporaryDirectory* directory = &Lose(first_);
  server.reset();
  for (size_t restart = 0; restart < 3; ++restart) {
    SCOPED_TRACE(restart);
    auto next = Open(directory->path(), {.max_closed_sessions = 4, .max_ended_processes = 2});
    next->Restore();
    for (size_t i = 0; i < ids.size(); ++i) {
      EXPECT_EQ(next->Lists(ids[i]), i >= 4) << i;
      const auto removed = next->EventsOf<ProcessRemoved>(ids[i]);
      ASSERT_EQ(removed.size(), i >= 4 ? 0u : 1u) << i;
      EXPECT_TRUE(removed.empty() ||
                  std::get<ProcessRemoved>(removed[0]->detail).reason == RemovalReason::kRetention);
      EXPECT_EQ(next->registry().GetInfo(sessions[i]).ok(), i >= 2 + restart) << i;
    }
    next->Open();  // is one more that is closed, for the next one
    directory = &Lose(*directory);
    EXPECT_EQ(next->events().store()->ReadState(StateKind::kProcess)->size(), 2u);
  }
}

TEST_F(SessionRestore, WhatCannotBeReadIsPassedOverWithAWarning) {
  auto server = Open(first_.path());
  const auto session = server->Open();
  const std::string good = server->Start(session, MakeCommand("exit_with", "3"));
  const std::string bad = server->Start(session, MakeCommand("exit_with", "4"));
  const auto other = server->Open();
  for (const std::string& id : {good, bad}) server->Await(id, ProcessState::kDrained);
  // Of another version, say.
  const StateChange process = {StateKind::kProcess, server->Find(bad).ordinal, bad, "unreadable"};
  const StateChange closed = {StateKind::kSession, other->Info().ordinal, other->id(),
                              "unreadable"};
  const TemporaryDirectory& directory = Lose(first_);
  {
    auto store = *SqliteEventStore::Open(directory.path(), Durability::kProcess);
    ASSERT_TRUE(store->Write({.changes = {process, closed}}).ok());
  }
  auto next = Open(directory.path());
  next->Restore();
  EXPECT_EQ(warnings_.Count(absl::StrCat("process '", bad, "'")), 1u);
  EXPECT_EQ(warnings_.Count(absl::StrCat("session '", other->id(), "'")), 1u);
  EXPECT_EQ(warnings_.Count("passed over"), 2u);
  EXPECT_FALSE(next->Lists(bad));
  EXPECT_EQ(next->Find(good).exit_status->wait.exit_code, 3);
  EXPECT_TRUE(next->registry().GetInfo(session->id()).ok());
  EXPECT_FALSE(next->registry().GetInfo(other->id()).ok());
}

}  // namespace
}  // namespace proctor
