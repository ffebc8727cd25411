#include "core/registry/session_registry.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <future>
#include <map>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "proctor/error.h"
#include "proctor/policy_registry.h"
#include "proctor/watcher_kind.h"
#include "tests/core/session/session_fixture.h"

namespace proctor {
namespace {

using SessionRegistryTest = SessionTest;

TEST_F(SessionRegistryTest, GivesEachSessionAThreadALoopAndAWatcherOfItsOwn) {
  auto one = Open();
  auto two = Open({.watcher = "threaded"});
  EXPECT_NE(one->id(), two->id());
  EXPECT_NE(one->loop(), two->loop());
  EXPECT_EQ(one->Info().watcher, *ResolveWatcher("auto"));
  EXPECT_EQ(two->Info().watcher, "threaded");
  const auto thread = [](const auto&) { return std::this_thread::get_id(); };
  EXPECT_NE(Call(one, [&] { return thread(0); }), Call(two, [&] { return thread(0); }));
  EXPECT_EQ(Call(one, [&] { return *GetRunningLoop(); }), one->loop());
}

TEST_F(SessionRegistryTest, TheDefaultSessionIsOneHoweverManyAsk) {
  std::vector<std::thread> threads;
  absl::Mutex mutex;
  std::map<std::string, int> ids;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      auto session = registry_->Find("");
      ASSERT_TRUE(session.ok());
      absl::MutexLock lock(&mutex);
      ++ids[(*session)->id()];
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ids.size(), 1u);
  EXPECT_TRUE(registry_->GetInfo("")->is_default);
}

TEST_F(SessionRegistryTest, AClosedDefaultSessionIsReplacedByAFreshOne) {
  const std::string first = (*registry_->Find(""))->id();
  EXPECT_EQ(Close(first).state, SessionState::kClosed);
  EXPECT_EQ(ErrorReason(registry_->Find(first).status()), "SESSION_CLOSED");
  EXPECT_NE((*registry_->Find(""))->id(), first);
}

TEST_F(SessionRegistryTest, RefusesUnknownNames) {
  EXPECT_EQ(ErrorVariables(registry_->Create({.policy = "nope"}).status()).at("field"), "policy");
  EXPECT_EQ(ErrorVariables(registry_->Create({.watcher = "nope"}).status()).at("field"), "watcher");
  EXPECT_EQ(ErrorReason(registry_->Find("nope").status()), "SESSION_NOT_FOUND");
  EXPECT_EQ(ErrorReason(registry_->FindProcess("nope").status()), "PROCESS_NOT_FOUND");
}

// A policy that is registered by name changes what a session gets.
class RecordingPolicy : public DefaultEventLoopPolicy {
 public:
  using DefaultEventLoopPolicy::DefaultEventLoopPolicy;
  static std::atomic<int> gets;
  absl::StatusOr<std::shared_ptr<EventLoop>> GetEventLoop() override {
    ++gets;
    return DefaultEventLoopPolicy::GetEventLoop();
  }
};
std::atomic<int> RecordingPolicy::gets = 0;

TEST_F(SessionRegistryTest, ARegisteredPolicyServesTheSessionsThatNameIt) {
  static const absl::Status registered = RegisterPolicy(
      "recording", [](auto watchers) { return std::make_shared<RecordingPolicy>(watchers); });
  ASSERT_TRUE(registered.ok());
  auto session = Open({.policy = "recording"});
  EXPECT_GE(RecordingPolicy::gets.load(), 1);
  EXPECT_EQ(session->Info().policy, "recording");
  auto started = Start(session, MakeCommand("exit_with", "5"));
  ASSERT_TRUE(started.ok());
  AwaitExit(started->id);
  EXPECT_EQ((*registry_->processes().Find(started->id))->exit_status->wait.exit_code, 5);
}

TEST_F(SessionRegistryTest, SetPolicyAppliesToLaterSessionsAndEmptyRestoresTheDefault) {
  EXPECT_EQ(ErrorReason(registry_->SetPolicy("nope")), "INVALID_FIELD");
  EXPECT_TRUE(registry_->SetPolicy("default").ok());
  EXPECT_TRUE(registry_->SetPolicy("").ok());
  EXPECT_EQ(registry_->policy(), "default");
}

TEST_F(SessionRegistryTest, TheSameRequestIdStartsOnce) {
  auto session = Open();
  auto first = Start(session, MakeCommand("exit_with", "1"), "r");
  auto again = Start(session, MakeCommand("exit_with", "1"), "r");
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ(first->id, again->id);
  auto other = Start(session, MakeCommand("exit_with", "2"), "r");
  EXPECT_EQ(other.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ErrorReason(other.status()), "REQUEST_ID_REUSED");
  EXPECT_EQ(registry_->processes().CountAll().running + registry_->processes().CountAll().ended,
            1u);
}

// conformance 103
TEST_F(SessionRegistryTest, ClosingKillsWhatRunsAndLeavesTheStatusOfWhatEnded) {
  auto session = Open();
  auto ended = Start(session, MakeCommand("exit_with", "4"));
  AwaitExit(ended->id);
  auto running = Start(session, MakeCommand("wait_forever"));
  const SessionInfo closed = Close(session->id());
  EXPECT_EQ(closed.state, SessionState::kClosed);
  auto ended_info = *registry_->processes().Find(ended->id);
  EXPECT_EQ(ended_info->exit_status->wait.exit_code, 4);
  EXPECT_EQ(ended_info->exit_status->cause, ExitCause::kSelf);
  auto killed = *registry_->processes().Find(running->id);
  EXPECT_EQ(killed->state, ProcessState::kDrained);
  EXPECT_EQ(killed->exit_status->wait.signal, SIGKILL);
  EXPECT_EQ(killed->exit_status->cause, ExitCause::kSessionClosed);
  session.reset();
  EXPECT_EQ(Close(closed.id).state, SessionState::kClosed) << "closing again is no error";
}

TEST_F(SessionRegistryTest, ClosingGracefullyGoesByTheStopPolicy) {
  auto session = Open();
  auto running = Start(session, MakeCommand("wait_forever"));
  Close(session->id(), {.graceful = true});
  EXPECT_EQ((*registry_->processes().Find(running->id))->exit_status->wait.signal, SIGTERM);
}

TEST_F(SessionRegistryTest, AHarsherCloseOvertakesAGentleOne) {
  auto session = Open();
  Command command = MakeCommand("ignore_term");
  command.stop_policy.grace = absl::Hours(1);
  auto running = Start(session, command);
  std::promise<void> gentle;
  ASSERT_TRUE(registry_
                  ->Close(session->id(), {.graceful = true},
                          [&](const SessionInfo&) { gentle.set_value(); })
                  .ok());
  Close(session->id());
  gentle.get_future().get();
  EXPECT_TRUE((*registry_->processes().Find(running->id))->exit_status.has_value());
}

TEST_F(SessionRegistryTest, AClosingSessionTakesNoMoreProcesses) {
  auto session = Open();
  Command command = MakeCommand("ignore_term");
  command.stop_policy.grace = absl::Hours(1);
  // Stopped, so that the gentle close cannot be quicker than its handler.
  auto running = Start(session, command);
  ASSERT_EQ(::kill(running->pid, SIGSTOP), 0);
  std::promise<void> closed;
  ASSERT_TRUE(registry_
                  ->Close(session->id(),
                          {.graceful = true, .stop = {.signal = SIGWINCH, .grace = absl::Hours(1)}},
                          [&](const SessionInfo&) { closed.set_value(); })
                  .ok());
  EXPECT_EQ(ErrorReason(Start(session, MakeCommand("exit_with", "0")).status()), "SESSION_CLOSED");
  EXPECT_EQ(session->Info().state, SessionState::kClosing);
  Close(session->id());
  closed.get_future().get();
}

TEST_F(SessionRegistryTest, DrainRefusesWhatComesAndEndsWhatRuns) {
  auto session = Open();
  auto running = Start(session, MakeCommand("wait_forever"));
  absl::Notification drained;
  registry_->Drain({.graceful = true,
                    .request = {ExitCause::kServerShutdown, ""},
                    .reason = CloseReason::kServerShutdown},
                   [&] { drained.Notify(); });
  EXPECT_EQ(ErrorReason(registry_->Create({}).status()), "SERVER_DRAINING");
  EXPECT_EQ(ErrorReason(registry_->Find(session->id()).status()), "SERVER_DRAINING");
  EXPECT_EQ(ErrorReason(registry_->Find("").status()), "SERVER_DRAINING");
  drained.WaitForNotification();
  EXPECT_EQ((*registry_->processes().Find(running->id))->exit_status->cause,
            ExitCause::kServerShutdown);
}

TEST_F(SessionRegistryTest, ARequestIdOpensOneSessionHoweverManyAsk) {
  std::vector<std::thread> threads;
  absl::Mutex mutex;
  std::map<std::string, int> ids;
  for (int i = 0; i < 20; ++i) {
    threads.emplace_back([&] {
      auto info = registry_->CreateOnce("r", {.labels = {{"a", "b"}}});
      ASSERT_TRUE(info.ok());
      absl::MutexLock lock(&mutex);
      ++ids[info->id];
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ids.size(), 1u);
  EXPECT_EQ(registry_->open_sessions(), 1u);
  EXPECT_EQ(ErrorReason(registry_->CreateOnce("r", {}).status()), "REQUEST_ID_REUSED");
  EXPECT_NE(registry_->CreateOnce("", {})->id, registry_->CreateOnce("", {})->id);
}

TEST_F(SessionRegistryTest, ARequestIdFindsItsSessionForAsLongAsThatIsListed) {
  Restart({.max_closed_sessions = 1});
  const std::string first = registry_->CreateOnce("r", {})->id;
  Close(first);
  auto closed = registry_->CreateOnce("r", {});
  ASSERT_TRUE(closed.ok());
  EXPECT_EQ(closed->id, first);
  EXPECT_EQ(closed->state, SessionState::kClosed);
  Close(Open()->id());
  const absl::Status gone = registry_->CreateOnce("r", {}).status();
  EXPECT_EQ(gone.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(gone), "SESSION_NOT_FOUND");
  EXPECT_EQ(ErrorVariables(gone).at("session_id"), first);
}

TEST_F(SessionRegistryTest, AFailedOpeningMayBeTriedAgain) {
  EXPECT_EQ(ErrorReason(registry_->CreateOnce("r", {.watcher = "nope"}).status()), "INVALID_FIELD");
  EXPECT_TRUE(registry_->CreateOnce("r", {}).ok());
}

TEST_F(SessionRegistryTest, RefusesMoreSessionsThanItsLimit) {
  SessionRegistry small({.max_sessions = 2}, &events_);
  ASSERT_TRUE(small.Create({}).ok());
  ASSERT_TRUE(small.Create({}).ok());
  const absl::Status refused = small.Create({}).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  const ErrorMetadata expected = {{"quota", "sessions"}, {"limit", "2"}, {"used", "2"}};
  EXPECT_EQ(ErrorVariables(refused), expected);
  absl::Notification drained;
  small.Drain({}, [&] { drained.Notify(); });
  drained.WaitForNotification();
  small.Join();
}

TEST_F(SessionRegistryTest, ForgetsTheOldestEndedBeyondItsLimit) {
  EventLog events(1000);
  SessionRegistry small({.max_ended_processes = 3}, &events);
  auto session = *small.Create({});
  for (int i = 0; i < 10; ++i) {
    absl::Notification drained;
    ASSERT_TRUE(session
                    ->Post([&] {
                      auto process = *session->StartProcess(MakeCommand("exit_with", "0"), "");
                      process->AddListener([&drained, raw = process.get()] {
                        if (raw->state() == ProcessState::kDrained && !drained.HasBeenNotified()) {
                          drained.Notify();
                        }
                      });
                    })
                    .ok());
    drained.WaitForNotification();
    // The forgetting is posted: a later post comes after it.
    std::promise<void> done;
    ASSERT_TRUE(session->Post([&] { done.set_value(); }).ok());
    done.get_future().get();
  }
  EXPECT_EQ(small.processes().CountAll().ended, 3u);
  session.reset();
  absl::Notification drained;
  small.Drain({}, [&] { drained.Notify(); });
  drained.WaitForNotification();
  small.Join();
}

TEST_F(SessionRegistryTest, ForgetsAsManyAsAreTooManyWhereAllEndInOneTurn) {
  constexpr size_t kKept = 3, kProcesses = 40;
  Restart({.max_ended_processes = kKept});
  auto session = Open();
  const std::vector<std::string> ids = Call(session, [&] {
    std::vector<std::string> started;
    for (size_t i = 0; i < kProcesses; ++i) {
      auto process = *session->StartProcess(MakeCommand("exit_with", "0"), "");
      started.push_back(process->id());
      siginfo_t info;  // the loop sees none of them before all have ended
      EXPECT_EQ(::waitid(P_PID, process->Info().pid, &info, WEXITED | WNOWAIT), 0);
    }
    return started;
  });
  for (const std::string& id : ids) {
    AwaitEvent([&](const Event& event) {
      return event.process_id == id && std::holds_alternative<OutputDrained>(event.detail);
    });
  }
  // The last one's drain may be shown in the midst of its turn; what that turn posted comes
  // before the second of these.
  for (int i = 0; i < 2; ++i) Call(session, [] { return true; });
  EXPECT_EQ(registry_->processes().CountAll().ended, kKept);
  for (size_t i = 0; i < kProcesses; ++i) {
    EXPECT_EQ(registry_->FindProcess(ids[i]).ok(), i >= kProcesses - kKept) << i;
  }
}

TEST_F(SessionRegistryTest, ForgetsTheOldestClosedBeyondItsLimitThoughOlderOnesAreOpen) {
  Restart({.max_closed_sessions = 2});
  auto oldest = Open();
  std::vector<std::string> closed;
  for (int i = 0; i < 5; ++i) {
    closed.push_back(Open()->id());
    Close(closed.back());
  }
  EXPECT_TRUE(registry_->Find(oldest->id()).ok());
  for (size_t i = 0; i < closed.size(); ++i) {
    EXPECT_EQ(registry_->GetInfo(closed[i]).ok(), i >= 3) << i;
  }
}

TEST_F(SessionRegistryTest, TellsHowLongTheThreadOfASessionHasNotGotOn) {
  const auto busy = Open();
  const auto idle = Open();
  absl::Notification entered, leave, left;
  ASSERT_TRUE(busy->Post([&] {
                    entered.Notify();
                    leave.WaitForNotification();
                    left.Notify();
                  })
                  .ok());
  entered.WaitForNotification();
  auto time_of = [this](const std::string& id) {
    for (const auto& thread : registry_->Threads()) {
      if (thread.id == id) return thread.turn_time;
    }
    return -absl::InfiniteDuration();
  };
  while (time_of(busy->id()) < absl::Milliseconds(20)) absl::SleepFor(absl::Milliseconds(1));
  leave.Notify();
  left.WaitForNotification();
  while (time_of(busy->id()) != absl::ZeroDuration()) absl::SleepFor(absl::Milliseconds(1));
  while (time_of(idle->id()) != absl::ZeroDuration()) absl::SleepFor(absl::Milliseconds(1));
}

TEST_F(SessionRegistryTest, EveryEndIsOnRecordOnceAndInOrder) {
  auto session = Open();
  constexpr int kProcesses = 200;
  for (int i = 0; i < kProcesses; ++i) {
    ASSERT_TRUE(Start(session, MakeCommand("exit_with", absl::StrCat(i % 256))).ok());
  }
  Close(session->id(), {.graceful = true, .stop = {.grace = absl::Minutes(5)}});
  auto events = events_.ReadAfter(0, 100000);
  ASSERT_TRUE(events.ok());
  std::map<std::string, std::string> history;
  for (const auto& event : *events) {
    if (event->process_id.empty()) continue;
    std::string& text = history[event->process_id];
    if (std::holds_alternative<ProcessStarted>(event->detail)) text += "S";
    if (std::holds_alternative<ProcessExited>(event->detail)) text += "E";
    if (std::holds_alternative<OutputDrained>(event->detail)) text += "D";
  }
  EXPECT_EQ(history.size(), static_cast<size_t>(kProcesses));
  for (const auto& [id, text] : history) EXPECT_EQ(text, "SED") << id;
  EXPECT_TRUE(std::holds_alternative<SessionClosed>(events->back()->detail));
}

}  // namespace
}  // namespace proctor
