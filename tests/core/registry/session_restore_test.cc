// A registry takes over what the server before it left in a store. Its loss is played by
// copying its files in the middle of its life, as a SIGKILL would leave them.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_join.h"
#include "core/storage/sqlite.h"
#include "core/storage/sqlite_event_store.h"
#include "core/tree/cgroup.h"
#include "core/tree/cgroup_root.h"
#include "tests/core/session/session_fixture.h"
#include "tests/core/storage/noted_warnings.h"
#include "tests/core/storage/temporary_directory.h"
#include "tests/core/tree/test_cgroup.h"

namespace proctor {
namespace {

// Keeps the values themselves, and gives out their numbers. What is put down is never forgotten,
// so that any server of the test reads what any other wrote.
//
// Thread-safety: the functions may be called from any thread.
class Remembering {
 public:
  StateCodec codec() {
    return {
        [this](const SessionInfo& info) { return Put(sessions_, info); },
        [this](const ProcessInfo& info) { return Put(processes_, info); },
        [this](std::string_view body) { return Get(sessions_, body); },
        [this](std::string_view body) { return Get(processes_, body); },
        [](const Command& command) { return absl::StrJoin(command.argv, " "); },
    };
  }
  EventCodec event_codec() {
    return {[this](const Event& event) { return Put(events_, event); },
            [this](std::string_view body) { return Get(events_, body); }};
  }

 private:
  template <typename Value>
  std::string Put(std::vector<Value>& values, Value value) {
    absl::MutexLock lock(&mutex_);
    values.push_back(std::move(value));
    return absl::StrCat(values.size());
  }
  template <typename Value>
  absl::StatusOr<Value> Get(const std::vector<Value>& values, std::string_view body) {
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

  absl::Mutex mutex_;
  std::vector<SessionInfo> sessions_;
  std::vector<ProcessInfo> processes_;
  std::vector<Event> events_;
};

// A server's log and registry on a directory.
class Server {
 public:
  Server(const std::string& directory, Remembering* remembering,
         SessionRegistry::Options options = {}) {
    auto store = SqliteEventStore::Open(directory, Durability::kProcess);
    EXPECT_TRUE(store.ok()) << store.status();
    events_ = *EventLog::Open({}, *std::move(store), remembering->event_codec());
    options.codec = remembering->codec();
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
    absl::Mutex mutex;
    int told = 0;
    const uint64_t listener = events_->AddListener([&] {
      absl::MutexLock lock(&mutex);
      ++told;
    });
    for (int seen = 0; !reached();) {
      absl::MutexLock lock(&mutex);
      const auto more = [&] { return told != seen; };
      mutex.Await(absl::Condition(&more));
      seen = told;
    }
    events_->RemoveListener(listener);
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

void ExpectSame(const ProcessInfo& a, const ProcessInfo& b) {
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

void ExpectLost(const ProcessInfo& info) {
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

// ---- Requests. ------------------------------------------------------------

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
  const StateCodec codec = remembering_.codec();
  const StoredRequest request{
      "", "r", intent.id, codec.digest(command), false, codec.encode_process(intent)};
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

// ---- What runs on in the control group of a lost process. ----------------------------------

// A group of the test's own, in which a dead server has one for a process, with a child of ours.
class SessionRestoreSurvivors : public SessionRestore {
 protected:
  void SetUp() override {
    auto directory = MakeTestCgroup();
    if (!directory.ok()) GTEST_SKIP() << directory.status();
    directory_ = *directory;
  }
  void TearDown() override {
    EndSurvivor();
    if (!directory_.empty()) {
      EXPECT_TRUE(Cgroup(directory_).Remove());
    }
  }

  void LeaveSurvivor(const std::string& process_id) {
    const Cgroup dead = Cgroup(directory_).Child("proctor-dead");
    ASSERT_TRUE(dead.Make().ok());
    ASSERT_TRUE(dead.Child(process_id).Make().ok());
    survivor_ = ::fork();
    if (survivor_ == 0) {
      while (true) ::pause();
    }
    ASSERT_TRUE(dead.Child(process_id).Write("cgroup.procs", absl::StrCat(survivor_)).ok());
  }
  void EndSurvivor() {
    if (survivor_ == 0) return;
    ::kill(survivor_, SIGKILL);
    EXPECT_GT(::waitpid(std::exchange(survivor_, 0), nullptr, 0), 0);
  }

  SessionRegistry::Options WithTrees() const {
    SessionRegistry::Options options;
    auto trees = ProcessTrees::Open(directory_);
    EXPECT_TRUE(trees.ok()) << trees.status();
    if (trees.ok()) options.trees = *trees;
    return options;
  }

  // A process that was lost with its server and has a survivor; the store of that server.
  std::string LoseWithSurvivor(const TemporaryDirectory** directory) {
    auto server = Open(first_.path());
    const std::string id = server->Start(server->Open(), MakeCommand("wait_forever"));
    *directory = &Lose(first_);
    LeaveSurvivor(id);
    return id;
  }

  static ProcessInfo LookAt(Server& server, const std::string& id) {
    return *server.registry().LookAtSurvivors(std::make_shared<const ProcessInfo>(server.Find(id)));
  }

  std::string directory_;
  pid_t survivor_ = 0;
};

TEST_F(SessionRestoreSurvivors, AreCountedUntilNoneIsLeftWhichIsRemembered) {
  const TemporaryDirectory* directory = nullptr;
  const std::string id = LoseWithSurvivor(&directory);
  auto next = Open(directory->path(), WithTrees());
  next->Restore();
  EXPECT_EQ(warnings_.Count("has left processes that run on"), 1u);
  ExpectLost(next->Find(id));
  EXPECT_TRUE(next->registry().MayHaveSurvivors(id));
  EXPECT_EQ(LookAt(*next, id).survivors, 1u);
  EXPECT_FALSE(LookAt(*next, id).tree_empty);
  EXPECT_EQ(next->Find(id).survivors, 0u) << "only who asks is told";
  EndSurvivor();
  EXPECT_EQ(LookAt(*next, id).survivors, 0u);
  EXPECT_TRUE(next->Find(id).tree_empty);
  EXPECT_FALSE(next->registry().MayHaveSurvivors(id));
  EXPECT_EQ(ErrorReason(next->registry().SignalSurvivors(next->Find(id), {SIGTERM}, "me")),
            "PROCESS_EXITED");

  auto after = Open(Lose(*directory).path());
  next.reset();
  after->Restore();
  EXPECT_TRUE(after->Find(id).tree_empty);
  EXPECT_EQ(LookAt(*after, id).survivors, 0u);
}

TEST_F(SessionRestoreSurvivors, AProcessThatIsForgottenStaysForgotten) {
  const TemporaryDirectory* directory = nullptr;
  const std::string id = LoseWithSurvivor(&directory);
  auto next = Open(directory->path(), WithTrees());
  next->Restore();
  const auto known = std::make_shared<const ProcessInfo>(next->Find(id));
  next->registry().ForgetProcess(*known, RemovalReason::kClientRequest);
  EXPECT_FALSE(next->registry().MayHaveSurvivors(id));
  EndSurvivor();
  EXPECT_FALSE(next->registry().LookAtSurvivors(known)->tree_empty) << "nobody looks any more";
  EXPECT_FALSE(next->Lists(id));
  auto after = Open(Lose(*directory).path());
  next.reset();
  after->Restore();
  EXPECT_FALSE(after->Lists(id));
}

}  // namespace
}  // namespace proctor
