// Sessions whose event log cannot record at present.

#include <gtest/gtest.h>

#include "tests/core/event/fake_event_store.h"
#include "tests/core/event/noted_warnings.h"
#include "tests/core/session/session_fixture.h"

namespace proctor {
namespace {

const absl::Status kFull =
    MakeError(absl::StatusCode::kResourceExhausted, "STORAGE_FULL", "no room");

// Values are of no interest here.
StateCodec NoCodec() {
  return {[](const SessionInfo&) { return ""; }, [](const ProcessInfo&) { return ""; },
          [](std::string_view) { return absl::DataLossError(""); },
          [](std::string_view) { return absl::DataLossError(""); },
          [](const Command&) { return ""; }};
}

class SessionStorage : public testing::Test {
 protected:
  SessionStorage() {
    auto store = std::make_unique<FakeEventStore>();
    store_ = store.get();
    events_ = *EventLog::Open({}, std::move(store),
                              {[](const Event&) { return ""; },
                               [](std::string_view) { return absl::DataLossError(""); }});
    SessionRegistry::Options options;
    options.codec = NoCodec();
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
      return session->StartProcess(MakeCommand("exit_with", "0"), "r").status();
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

TEST_F(SessionStorage, ASessionThatCannotBePutOnRecordHoldsUpNoEnd) {
  store_->Refuse(kFull);  // and nobody has noticed so far
  (void)registry_->Create({});
  EXPECT_TRUE(Drain());
}

}  // namespace
}  // namespace proctor
