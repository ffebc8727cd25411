#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "core/registry/session_registry.h"
#include "proctor/error.h"
#include "tests/core/event/await_events.h"

namespace proctor {

// A program of tests/programs as a command.
inline Command MakeCommand(const std::string& program, const std::string& argument = "") {
  Command command;
  command.argv = {absl::StrCat(PROCTOR_TEST_PROGRAMS, "/", program)};
  if (!argument.empty()) command.argv.push_back(argument);
  return command;
}

// A registry with real sessions, which are drained at the end.
class SessionTest : public testing::Test {
 protected:
  void TearDown() override { Drain(); }

  // Goes on with a registry of these options.
  void Restart(SessionRegistry::Options options) {
    Drain();
    registry_ = std::make_unique<SessionRegistry>(std::move(options), &events_);
  }

  std::shared_ptr<SessionContext> Open(const SessionOptions& options = {}) {
    auto session = registry_->Create(options);
    EXPECT_TRUE(session.ok()) << session.status();
    return *session;
  }

  // Runs `work` on the session's thread and returns what it returns.
  template <typename Work>
  auto Call(const std::shared_ptr<SessionContext>& session, Work work) {
    std::promise<decltype(work())> result;
    EXPECT_TRUE(session->Post([&] { result.set_value(work()); }).ok());
    return result.get_future().get();
  }

  absl::StatusOr<ProcessInfo> Start(const std::shared_ptr<SessionContext>& session,
                                    const Command& command, const std::string& request_id = "") {
    return Call(session, [&]() -> absl::StatusOr<ProcessInfo> {
      auto process = session->StartProcess(command, request_id);
      if (!process.ok()) return process.status();
      return (*process)->Info();
    });
  }

  SessionInfo Close(const std::string& id, SessionClose close = {}) {
    std::promise<SessionInfo> closed;
    EXPECT_TRUE(
        registry_->Close(id, close, [&](const SessionInfo& info) { closed.set_value(info); }).ok());
    return closed.get_future().get();
  }

  // Blocks until the process is drained.
  void AwaitExit(const std::string& process_id) {
    AwaitOf(process_id, [](Process& process) { return process.state() == ProcessState::kDrained; });
  }

  // Blocks until `reached` is true of a process, which is asked at each change of it.
  void AwaitOf(const std::string& process_id, std::function<bool(Process&)> reached) {
    auto told = std::make_shared<absl::Notification>();
    auto session = registry_->FindProcess(process_id)->session;
    ASSERT_TRUE(session
                    ->Post([session, process_id, told, reached] {
                      auto process = *session->FindProcess(process_id);
                      const auto check = [told, reached, raw = process.get()] {
                        if (!told->HasBeenNotified() && reached(*raw)) told->Notify();
                      };
                      process->AddListener(check);
                      check();
                    })
                    .ok());
    told->WaitForNotification();
  }

  // Blocks until an event that `wanted` accepts is on record, and returns the first.
  EventLog::EventPtr AwaitEvent(const std::function<bool(const Event&)>& wanted) {
    EventLog::EventPtr found;
    AwaitEvents(events_, [&] { return (found = FindEvent(wanted)) != nullptr; });
    return found;
  }

  EventLog::EventPtr FindEvent(const std::function<bool(const Event&)>& wanted) const {
    const auto events = events_.ReadAfter(0, 100000);
    for (const auto& event : *events) {
      if (wanted(*event)) return event;
    }
    return nullptr;
  }

  // Blocks until a session is closed, and returns the reason.
  CloseReason AwaitClosed(const std::string& session_id) {
    auto event = AwaitEvent([&](const Event& event) {
      return event.session_id == session_id && std::holds_alternative<SessionClosed>(event.detail);
    });
    return std::get<SessionClosed>(event->detail).reason;
  }

  ProcessInfo Published(const std::string& process_id) {
    return **registry_->processes().Find(process_id);
  }

  // Nothing more where the test has drained itself.
  void Drain() {
    if (!registry_->draining()) {
      absl::Notification drained;
      registry_->Drain({}, [&] { drained.Notify(); });
      drained.WaitForNotification();
    }
    registry_->Join();
  }

  EventLog events_{100000};
  std::unique_ptr<SessionRegistry> registry_ =
      std::make_unique<SessionRegistry>(SessionRegistry::Options{}, &events_);
};

}  // namespace proctor
