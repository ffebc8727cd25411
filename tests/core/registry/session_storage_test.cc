// Sessions whose event log cannot record at present.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <map>
#include <set>
#include <thread>

#include "tests/core/event/fake_event_store.h"
#include "tests/core/ledger/fake_state_codec.h"
#include "tests/core/session/session_fixture.h"
#include "tests/core/storage/noted_warnings.h"

namespace proctor {
namespace {

const absl::Status kFull =
    MakeError(absl::StatusCode::kResourceExhausted, Reason::kStorageFull, "no room");

class SessionStorage : public testing::Test {
 protected:
  SessionStorage() {
    auto store = std::make_unique<FakeEventStore>();
    store_ = store.get();
    events_ = *EventLog::Open({}, std::move(store),
                              {[](const Event&) { return ""; },
                               [](std::string_view) { return absl::DataLossError(""); }});
    SessionRegistry::Options options;
    options.codec = std::make_shared<const FakeStateCodec>();
    registry_ = std::make_unique<SessionRegistry>(std::move(options), events_.get());
  }

  template <typename Work>
  auto Call(const std::shared_ptr<SessionContext>& session, Work work) {
    std::promise<decltype(work())> result;
    EXPECT_TRUE(session->Post([&] { result.set_value(work()); }).ok());
    return result.get_future().get();
  }

  // Whether all sessions came to their end.
  bool Drain() {
    auto drained = std::make_shared<absl::Notification>();
    registry_->Drain({}, [drained] { drained->Notify(); });
    // Far longer than it takes: else the store has to work again first.
    const bool in_time = drained->WaitForNotificationWithTimeout(absl::Seconds(10));
    store_->Refuse(absl::OkStatus());
    drained->WaitForNotification();
    registry_->Join();
    return in_time;
  }

  NotedWarnings warnings_;
  FakeEventStore* store_ = nullptr;
  std::unique_ptr<EventLog> events_;
  std::unique_ptr<SessionRegistry> registry_;
};

TEST_F(SessionStorage, RefusesNewWorkAndEndsWhatRuns) {
  const auto session = *registry_->Create({});
  const auto start = [&] {
    return Call(session, [&]() -> absl::Status {
      return session->StartProcess(MakeCommand("wait_forever"), "").status();
    });
  };
  EXPECT_TRUE(start().ok());
  store_->Refuse(kFull);
  events_->Append({.detail = ServerDraining{}});  // whatever: it finds out
  EXPECT_EQ(ErrorReason(start()), "STORAGE_FULL");
  EXPECT_EQ(ErrorReason(registry_->Create({}).status()), "STORAGE_FULL");
  EXPECT_TRUE(Drain());
}

TEST_F(SessionStorage, WhatIsStartedBeforeAnybodyNoticesIsKnownToAll) {
  const auto session = *registry_->Create({});
  store_->Refuse(kFull);  // and nobody has noticed so far
  const std::string id = Call(session, [&] {
    auto process = session->StartProcess(MakeCommand("wait_forever"), "");
    EXPECT_TRUE(process.ok()) << process.status();
    return process.ok() ? (*process)->id() : "";
  });
  const auto located = registry_->FindProcess(id);
  ASSERT_TRUE(located.ok()) << located.status();
  EXPECT_EQ(located->session, session);
  EXPECT_EQ(located->info->state, ProcessState::kRunning);
  EXPECT_EQ(ErrorReason(events_->CheckRoom()), "STORAGE_FULL");
  EXPECT_TRUE(Drain());
  EXPECT_EQ((*registry_->processes().Find(id))->state, ProcessState::kDrained);
}

TEST_F(SessionStorage, AStartThatIsToRunOnceDoesNotRunUnrecorded) {
  const auto session = *registry_->Create({});
  store_->Refuse(kFull);
  const auto start = [&] {
    return Call(session, [&]() -> absl::Status {
      Command command = MakeCommand("exit_with", "0");
      command.name = "once";
      return session->StartProcess(command, "r").status();
    });
  };
  EXPECT_EQ(ErrorReason(start()), "STORAGE_FULL");
  EXPECT_EQ(events_->range().last, 1u) << "the session's";
  store_->Refuse(absl::OkStatus());
  events_->Append({.detail = ServerDraining{}});
  while (!events_->CheckRoom().ok()) std::this_thread::yield();
  EXPECT_TRUE(start().ok()) << "nothing of the first one is left";
  EXPECT_TRUE(Drain());
}

TEST_F(SessionStorage, AnEndIsOnRecordBeforeAnybodyHearsOfItAndBeforeThePidIsGivenBack) {
  const auto session = *registry_->Create({});
  const ProcessInfo running = Call(
      session, [&] { return (*session->StartProcess(MakeCommand("wait_forever"), ""))->Info(); });
  store_->Hold();
  ::kill(running.pid, SIGKILL);
  store_->AwaitHeld();
  EXPECT_EQ((*registry_->processes().Find(running.id))->state, ProcessState::kRunning);
  siginfo_t zombie = {};
  EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(running.pid), &zombie, WEXITED | WNOWAIT | WNOHANG),
            0);
  EXPECT_EQ(zombie.si_pid, running.pid);
  store_->Release();
  EXPECT_TRUE(Drain());
  EXPECT_EQ((*registry_->processes().Find(running.id))->state, ProcessState::kDrained);
}

// A lease begins when the session can be known, and is on record.
TEST_F(SessionStorage, ALeaseShorterThanTheOpeningRecordsOneSession) {
  store_->Hold();
  std::thread opener([&] {
    auto session = registry_->Create({.lease = absl::Milliseconds(1)});
    EXPECT_TRUE(session.ok()) << session.status();
  });
  store_->AwaitHeld();
  // Time for the lease, and far more: were it running, it would run out.
  absl::SleepFor(absl::Milliseconds(50));
  store_->Release();
  opener.join();
  EXPECT_TRUE(Drain());
  std::map<std::string, std::set<uint64_t>> ordinals;
  for (const auto& batch : store_->batches()) {
    for (const StateChange& change : batch.changes) {
      if (change.kind == StateKind::kSession) ordinals[change.id].insert(change.ordinal);
    }
  }
  ASSERT_EQ(ordinals.size(), 1u);
  EXPECT_EQ(ordinals.begin()->second.size(), 1u) << "one row, whatever became of it";
  EXPECT_EQ(ordinals.begin()->second.count(0), 0u);
}

TEST_F(SessionStorage, ASessionThatCannotBePutOnRecordHoldsUpNoEnd) {
  store_->Refuse(kFull);  // and nobody has noticed so far
  (void)registry_->Create({});
  EXPECT_TRUE(Drain());
}

}  // namespace
}  // namespace proctor
