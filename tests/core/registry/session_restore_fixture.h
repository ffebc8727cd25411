#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "core/storage/sqlite_event_store.h"
#include "tests/core/event/await_events.h"
#include "tests/core/session/session_fixture.h"
#include "tests/core/storage/noted_warnings.h"
#include "tests/core/storage/temporary_directory.h"

namespace proctor {

// Keeps the values themselves, and gives out their numbers. What is put down is never forgotten,
// so that any server of the test reads what any other wrote.
//
// Thread-safety: the functions may be called from any thread.
class Remembering final : public StateCodec {
 public:
  std::string Encode(const SessionInfo& info) const override { return Put(sessions_, info); }
  std::string Encode(const ProcessInfo& info) const override { return Put(processes_, info); }
  absl::StatusOr<SessionInfo> DecodeSession(std::string_view body) const override {
    return Get(sessions_, body);
  }
  absl::StatusOr<ProcessInfo> DecodeProcess(std::string_view body) const override {
    return Get(processes_, body);
  }
  std::string Digest(const Command& command) const override {
    return absl::StrJoin(command.argv, " ");
  }
  EventCodec event_codec() {
    return {[this](const Event& event) { return Put(events_, event); },
            [this](std::string_view body) { return Get(events_, body); }};
  }

 private:
  template <typename Value>
  std::string Put(std::vector<Value>& values, Value value) const {
    absl::MutexLock lock(&mutex_);
    values.push_back(std::move(value));
    return absl::StrCat(values.size());
  }
  template <typename Value>
  absl::StatusOr<Value> Get(const std::vector<Value>& values, std::string_view body) const {
    absl::MutexLock lock(&mutex_);
    size_t number = 0;
    if (!absl::SimpleAtoi(absl::string_view(body.data(), body.size()), &number) || number == 0 ||
        number > values.size()) {
      return absl::DataLossError("it is none of ours");
    }
    Value value = values[number - 1];
    ForgetOrdinal(value);
    return value;
  }
  // Kept beside it.
  static void ForgetOrdinal(Event&) {}
  template <typename Value>
  static void ForgetOrdinal(Value& value) {
    value.ordinal = 0;
  }

  mutable absl::Mutex mutex_;
  mutable std::vector<SessionInfo> sessions_;
  mutable std::vector<ProcessInfo> processes_;
  mutable std::vector<Event> events_;
};

// A server's log and registry on a directory.
class Server {
 public:
  Server(const std::string& directory, Remembering* remembering,
         SessionRegistry::Options options = {}) {
    auto store = SqliteEventStore::Open(directory, Durability::kProcess);
    EXPECT_TRUE(store.ok()) << store.status();
    events_ = *EventLog::Open({}, *std::move(store), remembering->event_codec());
    options.codec = {std::shared_ptr<void>(), remembering};  // not owned
    registry_ = std::make_unique<SessionRegistry>(std::move(options), events_.get());
  }
  ~Server() {
    absl::Notification drained;
    registry_->Drain({}, [&] { drained.Notify(); });
    drained.WaitForNotification();
    registry_->Join();
  }

  void Restore() {
    const absl::Status restored = registry_->Restore();
    EXPECT_TRUE(restored.ok()) << restored;
  }

  std::shared_ptr<SessionContext> Open(const SessionOptions& options = {}) {
    auto session = registry_->Create(options);
    EXPECT_TRUE(session.ok()) << session.status();
    return *session;
  }

  template <typename Work>
  auto Call(const std::shared_ptr<SessionContext>& session, Work work) {
    std::promise<decltype(work())> result;
    EXPECT_TRUE(session->Post([&] { result.set_value(work()); }).ok());
    return result.get_future().get();
  }

  std::string Start(const std::shared_ptr<SessionContext>& session, const Command& command,
                    const std::string& request_id = "") {
    return Call(session, [&] {
      auto process = session->StartProcess(command, request_id);
      EXPECT_TRUE(process.ok()) << process.status();
      return (*process)->id();
    });
  }

  // Blocks until the table has the process in this state.
  void Await(const std::string& process_id, ProcessState state) {
    AwaitEvents([&] { return Find(process_id).state == state; });
  }
  void AwaitEvents(const std::function<bool()>& reached) {
    proctor::AwaitEvents(*events_, reached);
  }

  ProcessInfo Find(const std::string& process_id) const {
    const auto info = registry_->processes().Find(process_id);
    EXPECT_TRUE(info.ok()) << info.status();
    return info.ok() ? **info : ProcessInfo();
  }
  bool Lists(const std::string& process_id) const {
    return registry_->processes().Find(process_id).ok();
  }

  std::vector<EventLog::EventPtr> Events() const {
    auto events = events_->ReadAfter(events_->range().first - 1, 100000);
    EXPECT_TRUE(events.ok()) << events.status();
    return events.ok() ? *events : std::vector<EventLog::EventPtr>();
  }
  // Those of a process or a session itself, of one kind.
  template <typename Detail>
  std::vector<EventLog::EventPtr> EventsOf(const std::string& id) const {
    std::vector<EventLog::EventPtr> found;
    for (const auto& event : Events()) {
      const std::string& subject =
          event->process_id.empty() ? event->session_id : event->process_id;
      if (subject == id && std::holds_alternative<Detail>(event->detail)) found.push_back(event);
    }
    return found;
  }

  EventLog& events() { return *events_; }
  SessionRegistry& registry() { return *registry_; }

 private:
  std::unique_ptr<EventLog> events_;
  std::unique_ptr<SessionRegistry> registry_;
};

inline void ExpectSame(const ProcessInfo& a, const ProcessInfo& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.session_id, b.session_id);
  EXPECT_EQ(a.ordinal, b.ordinal);
  EXPECT_TRUE(*a.command == *b.command);
  EXPECT_EQ(a.pid, b.pid);
  EXPECT_EQ(a.state, b.state);
  EXPECT_EQ(a.started_at, b.started_at);
  EXPECT_TRUE(a.exit_status == b.exit_status);
  EXPECT_TRUE(a.drained == b.drained);
  EXPECT_EQ(a.watcher, b.watcher);
  EXPECT_TRUE(a.output == b.output);
  EXPECT_EQ(a.stdin_bytes, b.stdin_bytes);
  EXPECT_EQ(a.stdin_open, b.stdin_open);
  EXPECT_EQ(a.tree_mechanism, b.tree_mechanism);
}

inline void ExpectLost(const ProcessInfo& info) {
  EXPECT_EQ(info.state, ProcessState::kDrained);
  ASSERT_TRUE(info.exit_status.has_value() && info.drained.has_value());
  EXPECT_EQ(info.exit_status->wait.source, StatusSource::kUnknown);
  EXPECT_EQ(info.exit_status->wait.reason, "SERVER_LOST");
  EXPECT_EQ(info.exit_status->cause, ExitCause::kUnknown);
  EXPECT_EQ(info.exit_status->started_at, info.started_at);
  EXPECT_GE(info.exit_status->exited_at, info.started_at);
  EXPECT_EQ(info.drained->reason, DrainReason::kServerLost);
  EXPECT_FALSE(info.stdin_open);
}

class SessionRestore : public testing::Test {
 protected:
  std::unique_ptr<Server> Open(const std::string& directory,
                               SessionRegistry::Options options = {}) {
    return std::make_unique<Server>(directory, &remembering_, std::move(options));
  }
  // The server of `from` is lost now; the next one takes over, in another directory.
  const TemporaryDirectory& Lose(const TemporaryDirectory& from) {
    directories_.push_back(std::make_unique<TemporaryDirectory>());
    directories_.back()->TakeOver(from.path());
    return *directories_.back();
  }

  Remembering remembering_;
  TemporaryDirectory first_;
  std::vector<std::unique_ptr<TemporaryDirectory>> directories_;
  NotedWarnings warnings_;
};

}  // namespace proctor
