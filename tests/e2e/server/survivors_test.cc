// Processes that outlive a killed server.
#include <signal.h>

#include <thread>

#include "tests/e2e/harness/control.h"

namespace proctor {
namespace {

// One server after the other on one state directory. The first one has a process with a daemon.
class SurvivorsE2e : public ControlE2e {
 protected:
  using ControlE2e::ControlE2e;

  void SetUp() override {
    v1::GetServerInfoResponse info;
    ASSERT_TRUE(
        Call(*info_, &v1::ServerService::Stub::GetServerInfo, v1::GetServerInfoRequest(), &info)
            .ok());
    if (!info.cgroup().available()) GTEST_SKIP() << "no control group: " << info.cgroup().reason();
  }
  void TearDown() override {
    Disconnect();
    if (daemon_ == 0) return;
    ::kill(daemon_, SIGKILL);
    ::kill(static_cast<pid_t>(process_.pid()), SIGKILL);
  }

  void Begin(const std::vector<std::string>& arguments = {"stay"}) {
    process_ = Start(Spec("daemonize", arguments));
    daemon_ = DaemonOf(id());
  }
  const std::string& id() const { return process_.process_id(); }
  pid_t leader() const { return static_cast<pid_t>(process_.pid()); }

  // Kills the server and starts another one on its state directory.
  void Crash(std::vector<std::string> flags = {}) {
    EXPECT_EQ((next_ != nullptr ? *next_ : server_).End(SIGKILL), -SIGKILL);
    flags.push_back("--state-dir=" + server_.state_dir());
    flags.push_back("--log-level=error");
    next_ = std::make_unique<ServerProcess>(flags);
    channel_ = next_->NewChannel();
    processes_ = v1::ProcessService::NewStub(channel_);
    events_ = v1::EventService::NewStub(channel_);
    info_ = v1::ServerService::NewStub(channel_);
  }

  // Comes before the end of a server, which would wait for an idle client.
  void Disconnect() {
    processes_.reset();
    events_.reset();
    info_.reset();
    channel_.reset();
  }

  grpc::Status Stop(v1::SignalScope scope, absl::Duration grace, v1::Process* process,
                    grpc::ClientContext* context) {
    v1::StopProcessRequest request;
    request.set_process_id(id());
    request.mutable_stop_policy()->set_scope(scope);
    auto* limit = request.mutable_stop_policy()->mutable_grace();
    limit->set_seconds(absl::IDivDuration(grace, absl::Seconds(1), &grace));
    limit->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(grace)));
    v1::StopProcessResponse response;
    grpc::Status status = processes_->StopProcess(context, request, &response);
    *process = response.process();
    return status;
  }
  grpc::Status Stop(v1::SignalScope scope, absl::Duration grace, v1::Process* process) {
    grpc::ClientContext context;
    return Stop(scope, grace, process, &context);
  }

  std::vector<std::string> ListRunning(bool survivors) {
    v1::ListProcessesRequest request;
    request.add_states(v1::PROCESS_STATE_RUNNING);
    request.set_include_survivors(survivors);
    v1::ListProcessesResponse list;
    EXPECT_TRUE(Call(*processes_, &Processes::ListProcesses, request, &list).ok());
    std::vector<std::string> ids;
    for (const v1::Process& process : list.processes()) ids.push_back(process.process_id());
    return ids;
  }

  void AwaitSignal(const std::string& signal) {
    AwaitEvent([&](const v1::Event& event) {
      return event.process_id() == id() && event.process_signalled().signal() == signal;
    });
  }

  static void ExpectLost(const v1::Process& process) {
    EXPECT_EQ(process.exit_status().unknown().reason(), "SERVER_LOST");
    EXPECT_FALSE(process.exit_status().has_duration()) << "nobody knows it";
  }

  std::unique_ptr<ServerProcess> next_;
  v1::Process process_;
  pid_t daemon_ = 0;
};

TEST_F(SurvivorsE2e, AreKeptAndASignalToTheTreeReachesThem) {
  Begin();
  Crash();
  EXPECT_TRUE(Runs(daemon_));
  ExpectLost(GetProcess(id()));
  v1::SignalProcessResponse response;
  EXPECT_EQ(Details(Signal(id(), "TERM", v1::SIGNAL_SCOPE_LEADER, &response)).reason,
            "PROCESS_EXITED")
      << "whose pid it is by now, nobody knows";
  EXPECT_TRUE(Runs(leader()));
  const grpc::Status sent = Signal(id(), "TERM", v1::SIGNAL_SCOPE_TREE, &response);
  ASSERT_TRUE(sent.ok()) << sent.error_message();
  EXPECT_EQ(response.tree_mechanism(), v1::TREE_MECHANISM_CGROUP);
  AwaitEnd(daemon_);
  AwaitEnd(leader());
}

TEST_F(SurvivorsE2e, AreKilledWhereTheNextServerIsToldTo) {
  Begin();
  Crash({"--survivors=kill"});
  AwaitEnd(daemon_);
  AwaitEnd(leader());
}

TEST_F(SurvivorsE2e, AreCountedWhereTheProcessIsAskedFor) {
  Begin();
  EXPECT_EQ(GetProcess(id()).survivors(), 0u) << "it has a server";
  Crash();
  const v1::Process got = GetProcess(id());
  ExpectLost(got);
  EXPECT_EQ(got.survivors(), 2u);
  EXPECT_FALSE(got.tree_empty());
  EXPECT_EQ(got.pid(), process_.pid());
  v1::ListProcessesResponse list;
  ASSERT_TRUE(Call(*processes_, &Processes::ListProcesses, v1::ListProcessesRequest(), &list).ok());
  ASSERT_EQ(list.processes_size(), 1);
  EXPECT_EQ(list.processes(0).survivors(), 2u);
  EXPECT_EQ(ListRunning(/*survivors=*/false), std::vector<std::string>());
  EXPECT_EQ(ListRunning(/*survivors=*/true), std::vector<std::string>{id()});
  EXPECT_EQ(Wait(id()).survivors(), 2u);
  ::kill(daemon_, SIGKILL);
  AwaitEnd(daemon_);
  EXPECT_EQ(GetProcess(id()).survivors(), 1u);
  ::kill(leader(), SIGKILL);
  AwaitEnd(leader());
  EXPECT_EQ(ListRunning(/*survivors=*/true), std::vector<std::string>());
  const v1::Process ended = Wait(id(), v1::WAIT_UNTIL_TREE_EMPTY);
  EXPECT_EQ(ended.survivors(), 0u);
  EXPECT_TRUE(ended.tree_empty());
  ExpectLost(ended);
}

TEST_F(SurvivorsE2e, AreStoppedAsATreeAndThatIsRemembered) {
  Begin({"stay", "ignore-term"});
  Crash();
  v1::Process stopped;
  const grpc::Status status = Stop(v1::SIGNAL_SCOPE_TREE, absl::Milliseconds(200), &stopped);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_FALSE(Runs(daemon_)) << "it ignores the signal, but not its end";
  EXPECT_FALSE(Runs(leader()));
  ExpectLost(stopped);
  EXPECT_TRUE(stopped.tree_empty());
  EXPECT_EQ(stopped.survivors(), 0u);
  AwaitSignal("SIGTERM");
  AwaitSignal("SIGKILL");
  EXPECT_TRUE(Stop(v1::SIGNAL_SCOPE_TREE, absl::Seconds(1), &stopped).ok()) << "a second time";
  Crash();
  EXPECT_TRUE(GetProcess(id()).tree_empty());
}

TEST_F(SurvivorsE2e, AreReachedAsATreeOnly) {
  Begin();
  Crash();
  v1::Process process;
  EXPECT_EQ(Details(Stop(v1::SIGNAL_SCOPE_GROUP, absl::Seconds(1), &process)).reason,
            "PROCESS_LOST");
  EXPECT_EQ(Details(Remove(id())).reason, "PROCESS_RUNNING");
  EXPECT_TRUE(Runs(daemon_));
  EXPECT_TRUE(Runs(leader()));
  v1::RemoveProcessRequest request;
  request.set_process_id(id());
  request.set_force(true);
  v1::RemoveProcessResponse response;
  ASSERT_TRUE(Call(*processes_, &Processes::RemoveProcess, request, &response).ok());
  EXPECT_FALSE(Runs(daemon_));
  EXPECT_FALSE(Runs(leader()));
  EXPECT_EQ(Details(TryWait(id(), v1::WAIT_UNTIL_EXITED, absl::ZeroDuration(), &process)).reason,
            "PROCESS_NOT_FOUND");
}

TEST_F(SurvivorsE2e, AreWaitedFor) {
  Begin();
  Crash();
  v1::Process process;
  EXPECT_EQ(
      Details(TryWait(id(), v1::WAIT_UNTIL_TREE_EMPTY, absl::ZeroDuration(), &process)).reason,
      "WAIT_TIMEOUT");
  std::thread waiter([&] { process = Wait(id(), v1::WAIT_UNTIL_TREE_EMPTY); });
  v1::SignalProcessResponse response;
  EXPECT_TRUE(Signal(id(), "KILL", v1::SIGNAL_SCOPE_TREE, &response).ok());
  waiter.join();
  EXPECT_TRUE(process.tree_empty());
  EXPECT_FALSE(Runs(daemon_));
}

TEST_F(SurvivorsE2e, AreKilledAfterTheGraceAlsoIfTheCallerIsGone) {
  Begin({"stay", "ignore-term"});
  Crash();
  grpc::ClientContext context;
  v1::Process process;
  std::thread caller([&] {
    EXPECT_EQ(Stop(v1::SIGNAL_SCOPE_TREE, absl::Milliseconds(500), &process, &context).error_code(),
              grpc::StatusCode::CANCELLED);
  });
  AwaitSignal("SIGTERM");
  context.TryCancel();
  caller.join();
  AwaitEnd(daemon_);
}

TEST_F(SurvivorsE2e, AreLeftByAServerThatEndsWhileAStopWaits) {
  Begin({"stay", "ignore-term"});
  Crash();
  grpc::Status status;
  v1::Process process;
  std::thread caller([&] {
    status = Stop(v1::SIGNAL_SCOPE_TREE, absl::Seconds(60), &process);
    Disconnect();
  });
  AwaitSignal("SIGTERM");
  EXPECT_EQ(next_->End(SIGTERM), 0);
  caller.join();
  EXPECT_EQ(Details(status).reason, "SERVER_DRAINING") << status.error_message();
  EXPECT_TRUE(Runs(daemon_));
}

// Without control groups.
class WalkedSurvivorsE2e : public SurvivorsE2e {
 protected:
  WalkedSurvivorsE2e() : SurvivorsE2e({"--cgroup=none"}) {}
  void SetUp() override {}
};

TEST_F(WalkedSurvivorsE2e, AreNotFoundAndNobodySaysThatTheyAre) {
  Begin();
  Crash({"--cgroup=none"});
  const v1::Process got = GetProcess(id());
  ExpectLost(got);
  EXPECT_EQ(got.survivors(), 0u);
  EXPECT_FALSE(got.tree_empty()) << "it may run on, and does";
  v1::Process process;
  EXPECT_EQ(Details(Stop(v1::SIGNAL_SCOPE_TREE, absl::Seconds(1), &process)).reason,
            "SESSION_CLOSED");
  EXPECT_TRUE(Stop(v1::SIGNAL_SCOPE_GROUP, absl::Seconds(1), &process).ok());
  ExpectLost(process);
  EXPECT_FALSE(process.tree_empty());
  EXPECT_TRUE(Runs(daemon_));
}

}  // namespace
}  // namespace proctor
