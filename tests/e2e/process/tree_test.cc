#include <signal.h>
#include <stdlib.h>

#include "tests/e2e/harness/control.h"

namespace proctor {
namespace {

// What a process leaves behind, in whatever session or group. Once with control groups, where there
// are any, and once without.
class TreeE2e : public ControlE2e, public testing::WithParamInterface<const char*> {
 protected:
  TreeE2e() : ControlE2e({"--log-level=warning", std::string("--cgroup=") + GetParam()}) {}

  void TearDown() override {
    if (daemon_ != 0) ::kill(daemon_, SIGKILL);
  }

  // Starts a daemon, and waits until its starter is gone.
  v1::Process StartDaemon(const std::vector<std::string>& arguments = {},
                          const std::string& session_id = "") {
    const v1::Process process = Start(Spec("daemonize", arguments), session_id);
    daemon_ = DaemonOf(process.process_id());
    return Wait(process.process_id());
  }

  grpc::Status Stop(const std::string& process_id, v1::SignalScope scope, int grace_millis,
                    v1::Process* process) {
    v1::StopProcessRequest request;
    request.set_process_id(process_id);
    request.mutable_stop_policy()->set_scope(scope);
    request.mutable_stop_policy()->mutable_grace()->set_nanos(grace_millis * 1000000);
    v1::StopProcessResponse response;
    grpc::Status status = Call(*processes_, &Processes::StopProcess, request, &response);
    *process = response.process();
    return status;
  }

  pid_t daemon_ = 0;
};

TEST_P(TreeE2e, ASignalFindsADaemonWhoseStarterIsGone) {
  const v1::Process process = StartDaemon();
  EXPECT_TRUE(Runs(daemon_));
  EXPECT_NE(process.tree_mechanism(), v1::TREE_MECHANISM_UNSPECIFIED);
  v1::SignalProcessResponse response;
  EXPECT_EQ(Details(Signal(process.process_id(), "TERM", v1::SIGNAL_SCOPE_GROUP, &response)).reason,
            "PROCESS_EXITED");
  EXPECT_EQ(response.tree_mechanism(), v1::TREE_MECHANISM_UNSPECIFIED);
  ASSERT_TRUE(Signal(process.process_id(), "TERM", v1::SIGNAL_SCOPE_TREE, &response).ok());
  EXPECT_EQ(response.tree_mechanism(), process.tree_mechanism());
  EXPECT_TRUE(Wait(process.process_id(), v1::WAIT_UNTIL_TREE_EMPTY).tree_empty());
  EXPECT_FALSE(Runs(daemon_));
  const grpc::Status late = Signal(process.process_id(), "TERM", v1::SIGNAL_SCOPE_TREE, &response);
  EXPECT_EQ(late.error_code(), grpc::NOT_FOUND);
  EXPECT_EQ(Details(late).reason, "PROCESS_EXITED");
}

TEST_P(TreeE2e, AWaitForTheEndOfAllIsToldAndTimesOut) {
  const v1::Process process = StartDaemon();
  v1::Process waited;
  const grpc::Status early =
      TryWait(process.process_id(), v1::WAIT_UNTIL_TREE_EMPTY, absl::Milliseconds(10), &waited);
  EXPECT_EQ(early.error_code(), grpc::DEADLINE_EXCEEDED);
  EXPECT_EQ(Details(early).reason, "WAIT_TIMEOUT");
  EXPECT_FALSE(GetProcess(process.process_id()).tree_empty());
  ::kill(daemon_, SIGKILL);
  EXPECT_TRUE(Wait(process.process_id(), v1::WAIT_UNTIL_TREE_EMPTY).tree_empty());
  EXPECT_TRUE(GetProcess(process.process_id()).tree_empty());
}

TEST_P(TreeE2e, WithoutDescendantsItIsEmptyAtTheEnd) {
  const v1::Process process = Start(Spec("exit_with", {"4"}));
  const v1::Process waited = Wait(process.process_id(), v1::WAIT_UNTIL_TREE_EMPTY);
  EXPECT_TRUE(waited.tree_empty());
  EXPECT_EQ(waited.exit_status().exit_code(), 4);
}

TEST_P(TreeE2e, AStopAnswersWhenTheLastOneIsGone) {
  const v1::Process process = StartDaemon({"ignore-term"});
  v1::Process stopped;
  ASSERT_TRUE(Stop(process.process_id(), v1::SIGNAL_SCOPE_TREE, 200, &stopped).ok());
  EXPECT_TRUE(stopped.tree_empty());
  EXPECT_FALSE(Runs(daemon_));
  EXPECT_EQ(stopped.exit_status().exit_code(), 0) << "it had ended before, by itself";
  ASSERT_TRUE(Stop(process.process_id(), v1::SIGNAL_SCOPE_TREE, 200, &stopped).ok())
      << "not an error if it ended already";
}

TEST_P(TreeE2e, AStopOfTheGroupLeavesADaemonAlone) {
  const v1::Process process = StartDaemon();
  v1::Process stopped;
  ASSERT_TRUE(Stop(process.process_id(), v1::SIGNAL_SCOPE_GROUP, 200, &stopped).ok());
  EXPECT_TRUE(Runs(daemon_));
}

TEST_P(TreeE2e, ASessionThatClosesEndsTheWait) {
  v1::Session session;
  ASSERT_TRUE(Create({}, &session).ok());
  const v1::Process process = StartDaemon({}, session.session_id());
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  v1::WaitProcessRequest request;
  request.set_process_id(process.process_id());
  request.set_until(v1::WAIT_UNTIL_TREE_EMPTY);
  auto waiting = processes_->AsyncWaitProcess(&context, request, &queue);
  v1::WaitProcessResponse response;
  grpc::Status status;
  waiting->Finish(&response, &status, this);
  CloseSession(session.session_id());
  void* tag;
  bool ok;
  ASSERT_TRUE(queue.Next(&tag, &ok));
  EXPECT_EQ(status.error_code(), grpc::FAILED_PRECONDITION);
  EXPECT_EQ(Details(status).reason, "SESSION_CLOSED");
  // The answer stays the same when the session is gone.
  v1::Process waited;
  EXPECT_EQ(Details(TryWait(process.process_id(), v1::WAIT_UNTIL_TREE_EMPTY, absl::ZeroDuration(),
                            &waited))
                .reason,
            "SESSION_CLOSED");
  v1::SignalProcessResponse signalled;
  EXPECT_EQ(Details(Signal(process.process_id(), "KILL", v1::SIGNAL_SCOPE_TREE, &signalled)).reason,
            "SESSION_CLOSED");
  EXPECT_EQ(
      Details(Signal(process.process_id(), "KILL", v1::SIGNAL_SCOPE_GROUP, &signalled)).reason,
      "PROCESS_EXITED");
  EXPECT_TRUE(Runs(daemon_)) << "its stop policy has the scope GROUP";
}

TEST_P(TreeE2e, WhatIsKnownStaysKnownWhenTheSessionIsClosed) {
  v1::Session session;
  ASSERT_TRUE(Create({}, &session).ok());
  const v1::Process process = Start(Spec("exit_with"), session.session_id());
  Wait(process.process_id(), v1::WAIT_UNTIL_DRAINED);
  Wait(process.process_id(), v1::WAIT_UNTIL_TREE_EMPTY);
  CloseSession(session.session_id());
  EXPECT_TRUE(Wait(process.process_id(), v1::WAIT_UNTIL_TREE_EMPTY).tree_empty());
}

TEST_P(TreeE2e, AClosedSessionKillsTheTreeWhereTheStopPolicySaysSo) {
  v1::Session session;
  ASSERT_TRUE(Create({}, &session).ok());
  v1::ProcessSpec spec = Spec("daemonize", {"ignore-term"});
  spec.mutable_stop_policy()->set_scope(v1::SIGNAL_SCOPE_TREE);
  const v1::Process process = Start(spec, session.session_id());
  daemon_ = DaemonOf(process.process_id());
  CloseSession(session.session_id());
  AwaitEnd(daemon_);
}

INSTANTIATE_TEST_SUITE_P(By, TreeE2e, testing::Values("auto", "none"),
                         [](const auto& info) { return std::string(info.param); });

constexpr char kWithout[] = PROCTOR_TEST_PROGRAMS "/without";

// A server that lacks control groups and something else of the kernel.
class LackingE2e : public ControlE2e, public testing::WithParamInterface<const char*> {
 protected:
  LackingE2e() : ControlE2e({"--cgroup=none"}, {.through = Through()}) {}

  void SetUp() override {
    if (!CanLack()) GTEST_SKIP() << "cannot go without " << GetParam() << " here";
  }
  void TearDown() override {
    for (const pid_t daemon : daemons_) ::kill(daemon, SIGKILL);
  }

  static bool CanLack() {
    const std::string command =
        std::string(kWithout) + " " + GetParam() + " -- " PROCTOR_TEST_PROGRAMS "/exit_with 0";
    return std::system(command.c_str()) == 0;
  }
  static std::vector<std::string> Through() {
    if (!CanLack()) return {};
    return {kWithout, GetParam(), "--"};
  }

  // A specification with the scope TREE. Both the process and its daemon stay.
  v1::Process StartStaying(const std::string& session_id = "") {
    v1::ProcessSpec spec = Spec("daemonize", {"stay", "ignore-term"});
    spec.mutable_stop_policy()->set_scope(v1::SIGNAL_SCOPE_TREE);
    spec.mutable_stop_policy()->mutable_grace()->set_nanos(200000000);
    const v1::Process process = Start(spec, session_id);
    daemons_.push_back(DaemonOf(process.process_id()));
    return process;
  }

  std::vector<pid_t> daemons_;
};

// The server must also end while a tree runs: ServerProcess checks that.
TEST_P(LackingE2e, StopsAndClosesATree) {
  const bool group = std::string(GetParam()) == "proc";
  const v1::Process process = StartStaying();
  EXPECT_EQ(process.tree_mechanism(), group ? v1::TREE_MECHANISM_GROUP : v1::TREE_MECHANISM_WALK);
  v1::StopProcessRequest request;
  request.set_process_id(process.process_id());
  v1::StopProcessResponse stopped;
  ASSERT_TRUE(Call(*processes_, &Processes::StopProcess, request, &stopped).ok());
  EXPECT_EQ(stopped.process().tree_empty(), !group) << "nobody can tell of a group";
  EXPECT_EQ(Runs(daemons_.back()), group);
  if (group) {
    v1::Process waited;
    const grpc::Status wait =
        TryWait(process.process_id(), v1::WAIT_UNTIL_TREE_EMPTY, absl::ZeroDuration(), &waited);
    EXPECT_EQ(Details(wait).reason, "TREE_UNKNOWN");
  }
  v1::Session session;
  ASSERT_TRUE(Create({}, &session).ok());
  const v1::Process other = StartStaying(session.session_id());
  v1::SignalProcessResponse signalled;
  ASSERT_TRUE(Signal(other.process_id(), "TERM", v1::SIGNAL_SCOPE_TREE, &signalled).ok());
  EXPECT_EQ(signalled.tree_mechanism(), process.tree_mechanism());
  Wait(other.process_id());
  EXPECT_TRUE(Runs(daemons_.back())) << "it ignores that";
  CloseSession(session.session_id());
  if (!group) AwaitEnd(daemons_.back());
  StartStaying();
}

INSTANTIATE_TEST_SUITE_P(Of, LackingE2e, testing::Values("pidfd_open", "pidfd_send_signal", "proc"),
                         [](const auto& info) { return std::string(info.param); });

class CgroupFlagE2e : public ControlE2e {
 protected:
  CgroupFlagE2e() : ControlE2e({"--cgroup=none"}) {}
};

TEST_F(CgroupFlagE2e, NoneMeansNone) {
  v1::GetServerInfoResponse info;
  ASSERT_TRUE(
      Call(*info_, &v1::ServerService::Stub::GetServerInfo, v1::GetServerInfoRequest(), &info)
          .ok());
  EXPECT_FALSE(info.cgroup().available());
  EXPECT_NE(info.cgroup().reason(), "");
  EXPECT_EQ(info.cgroup_controllers_size(), 0);
  EXPECT_EQ(info.tree_mechanism(), v1::TREE_MECHANISM_WALK);
  EXPECT_NE(info.tree_caveat(), "");
  EXPECT_EQ(Start(Spec("wait_forever")).tree_mechanism(), v1::TREE_MECHANISM_WALK);
}

// The server can report each choice that it makes by itself.
TEST_F(ControlE2e, TheServerSaysWhatItHas) {
  v1::GetServerInfoResponse info;
  ASSERT_TRUE(
      Call(*info_, &v1::ServerService::Stub::GetServerInfo, v1::GetServerInfoRequest(), &info)
          .ok());
  EXPECT_EQ(info.cgroup().available(), info.cgroup().reason().empty());
  EXPECT_EQ(info.cgroup().available(), !info.cgroup().name().empty());
  EXPECT_EQ(Start(Spec("wait_forever")).tree_mechanism(),
            info.cgroup().available() ? v1::TREE_MECHANISM_CGROUP : v1::TREE_MECHANISM_WALK);
  EXPECT_EQ(Start(Spec("wait_forever")).tree_mechanism(), info.tree_mechanism());
  EXPECT_NE(info.tree_caveat(), "") << "each has one";
  EXPECT_NE(info.launcher().name(), "");
}

}  // namespace
}  // namespace proctor
