// Signals to the server.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "proctor/v1/process_service.grpc.pb.h"
#include "tests/e2e/harness/server_process.h"

namespace proctor {
namespace {

using testing::HasSubstr;

// A server without a terminal, unless a test gives it one. The test reads its log.
class SignalE2e : public testing::Test {
 protected:
  void StartServer(const std::string& terminal = "") {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    log_ = ends[0];
    server_.emplace(std::vector<std::string>{"--log-level=info"},
                    ServerProcess::Place{ends[1], /*own_session=*/true, terminal});
    ::close(ends[1]);
    stub_ = v1::ProcessService::NewStub(server_->NewChannel());
  }
  ~SignalE2e() override { ::close(log_); }

  v1::Process StartOne() {
    grpc::ClientContext context;
    v1::StartProcessRequest request;
    request.mutable_spec()->add_argv(PROCTOR_TEST_PROGRAMS "/wait_forever");
    v1::StartProcessResponse response;
    EXPECT_TRUE(stub_->StartProcess(&context, request, &response).ok());
    return response.process();
  }

  // Sends a signal and waits for the end. Closes the connection first: the server waits some
  // seconds for an open one.
  int End(int signal) {
    stub_.reset();
    return server_->End(signal);
  }

  // Reads the log until it contains this text or ends.
  void AwaitLog(const std::string& text) {
    char buffer[4096];
    ssize_t size = 1;
    while (read_.find(text) == std::string::npos && size > 0) {
      size = ::read(log_, buffer, sizeof buffer);
      if (size > 0) read_.append(buffer, static_cast<size_t>(size));
    }
    EXPECT_THAT(read_, HasSubstr(text));
  }

  int log_ = -1;
  std::string read_;
  std::optional<ServerProcess> server_;
  std::unique_ptr<v1::ProcessService::Stub> stub_;
};

class DrainingSignalE2e : public SignalE2e, public testing::WithParamInterface<int> {};

TEST_P(DrainingSignalE2e, EndsItByADrain) {
  StartServer();
  const pid_t pid = StartOne().pid();
  EXPECT_EQ(End(GetParam()), 0);
  AwaitLog("draining signal=SIG");
  AwaitLog("proctord ended");
  EXPECT_EQ(::kill(pid, 0), -1);
}

INSTANTIATE_TEST_SUITE_P(, DrainingSignalE2e,
                         testing::Values(SIGTERM, SIGINT, SIGQUIT, SIGPWR, SIGXCPU));

TEST_F(SignalE2e, WhatHasNoMeaningIsNotedAndEndsNothing) {
  StartServer();
  for (int signal : {SIGPIPE, SIGXFSZ}) ::kill(server_->pid(), signal);
  for (int signal : {SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGSTKFLT}) {
    ::kill(server_->pid(), signal);
    AwaitLog(std::string("signal without a meaning signal=SIG") + ::sigabbrev_np(signal));
  }
  ::kill(server_->pid(), SIGRTMIN);
  AwaitLog("signal=SIGRTMIN ");
  ::kill(server_->pid(), SIGRTMAX);
  AwaitLog("signal=SIGRTMIN+");
  StartOne();
  EXPECT_EQ(End(SIGTERM), 0);
}

TEST_F(SignalE2e, AHangUpOfAServiceIsAReload) {
  StartServer();
  ::kill(server_->pid(), SIGHUP);
  AwaitLog("reload: there are no TLS files");
  StartOne();
  EXPECT_EQ(End(SIGTERM), 0);
}

TEST_F(SignalE2e, TheEndOfItsTerminalIsADrain) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(master, 0);
  ASSERT_EQ(::grantpt(master), 0);
  ASSERT_EQ(::unlockpt(master), 0);
  char terminal[100];
  ASSERT_EQ(::ptsname_r(master, terminal, sizeof terminal), 0);
  StartServer(terminal);
  // While the terminal exists, a hang-up is a reload.
  ::kill(server_->pid(), SIGHUP);
  AwaitLog("reload: there are no TLS files");
  const pid_t pid = StartOne().pid();
  stub_.reset();
  ::close(master);
  EXPECT_EQ(server_->Await(), 0);
  AwaitLog("draining signal=SIGHUP");
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST_F(SignalE2e, AFaultOfItsOwnIsTheLastWordInTheLog) {
  StartServer();
  EXPECT_EQ(End(SIGABRT), -SIGABRT);
  AwaitLog("proctord ready");
  AwaitLog("proctord ends by a fault signal=SIGABRT\n");
}

}  // namespace
}  // namespace proctor
