// What runs on when a server was killed.
#include <signal.h>

#include "tests/e2e/control.h"

namespace proctor {
namespace {

// Two servers on one state directory, one after the other, and a process of the first one with
// a daemon.
class SurvivorsE2e : public ControlE2e {
 protected:
  void SetUp() override {
    v1::GetServerInfoResponse info;
    ASSERT_TRUE(
        Call(*info_, &v1::ServerService::Stub::GetServerInfo, v1::GetServerInfoRequest(), &info)
            .ok());
    if (!info.cgroup().available()) GTEST_SKIP() << "no control group: " << info.cgroup().reason();
    process_ = Start(Spec("daemonize", {"stay"}));
    daemon_ = DaemonOf(process_.process_id());
  }
  void TearDown() override {
    if (daemon_ == 0) return;
    ::kill(daemon_, SIGKILL);
    ::kill(static_cast<pid_t>(process_.pid()), SIGKILL);
  }

  // The first server is killed, and another one takes over.
  void Crash(std::vector<std::string> flags) {
    EXPECT_EQ(server_.End(SIGKILL), -SIGKILL);
    flags.push_back("--state-dir=" + server_.state_dir());
    flags.push_back("--log-level=error");
    second_ = std::make_unique<ServerProcess>(flags);
    channel_ = second_->NewChannel();
    processes_ = v1::ProcessService::NewStub(channel_);
  }

  std::unique_ptr<ServerProcess> second_;
  v1::Process process_;
  pid_t daemon_ = 0;
};

TEST_F(SurvivorsE2e, AreKeptAndASignalToTheTreeReachesThem) {
  Crash({});
  EXPECT_TRUE(Runs(daemon_));
  EXPECT_EQ(GetProcess(process_.process_id()).exit_status().unknown().reason(), "SERVER_LOST");
  v1::SignalProcessResponse response;
  EXPECT_EQ(
      Details(Signal(process_.process_id(), "TERM", v1::SIGNAL_SCOPE_LEADER, &response)).reason,
      "PROCESS_EXITED")
      << "whose pid it is by now, nobody knows";
  EXPECT_TRUE(Runs(static_cast<pid_t>(process_.pid())));
  const grpc::Status sent = Signal(process_.process_id(), "TERM", v1::SIGNAL_SCOPE_TREE, &response);
  ASSERT_TRUE(sent.ok()) << sent.error_message();
  EXPECT_EQ(response.tree_mechanism(), v1::TREE_MECHANISM_CGROUP);
  AwaitEnd(daemon_);
  AwaitEnd(static_cast<pid_t>(process_.pid()));
}

TEST_F(SurvivorsE2e, AreKilledWhereTheNextServerIsToldTo) {
  Crash({"--survivors=kill"});
  AwaitEnd(daemon_);
  AwaitEnd(static_cast<pid_t>(process_.pid()));
}

}  // namespace
}  // namespace proctor
