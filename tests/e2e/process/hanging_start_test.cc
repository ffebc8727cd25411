// Processes that hang in the kernel: one in its exec, and one that cannot be reaped.
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <thread>

#include "tests/core/spawn/leased_program.h"
#include "tests/e2e/harness/e2e_test.h"

namespace proctor {
namespace {

class HangingStartE2e : public E2eTest {
 protected:
  HangingStartE2e() : E2eTest({"--spawn-timeout=1s", "--drain-grace=500ms"}) {}
};

TEST_F(HangingStartE2e, IsAnsweredAndItsSessionGoesOn) {
  LeasedProgram program(PROCTOR_TEST_PROGRAMS "/exit_with", server_.state_dir() + "/leased");
  const v1::Process other = Start(Spec("wait_forever"));
  v1::StartProcessRequest request;
  request.mutable_spec()->add_argv(program.path());
  v1::StartProcessResponse response;
  grpc::ClientContext context;
  const grpc::Status status = processes_->StartProcess(&context, request, &response);
  const ErrorDetails details = Details(status);
  EXPECT_EQ(details.code, grpc::ABORTED) << status.error_message();
  EXPECT_EQ(details.reason, "SPAWN_TIMEOUT");
  EXPECT_EQ(details.metadata.at("stage"), "exec");
  EXPECT_EQ(details.metadata.at("found"), "in_kernel");

  v1::SignalProcessRequest kill;
  kill.set_process_id(other.process_id());
  kill.set_signal("KILL");
  v1::SignalProcessResponse killed;
  grpc::ClientContext killing;
  EXPECT_TRUE(processes_->SignalProcess(&killing, kill, &killed).ok());
  EXPECT_EQ(AwaitReaped(other.process_id()).exit_status().signal(), SIGKILL);
  EXPECT_EQ(server_.CountChildren(), 0u);
}

TEST_F(HangingStartE2e, AProcessThatCannotBeReapedDoesNotHoldUpTheEnd) {
  v1::CreateSessionResponse session;
  {
    grpc::ClientContext context;
    ASSERT_TRUE(sessions_->CreateSession(&context, {}, &session).ok());
  }
  const v1::Process process = Start(Spec("wait_forever"), session.session().session_id());
  if (::ptrace(PTRACE_SEIZE, process.pid(), nullptr, nullptr) != 0) {
    GTEST_SKIP() << "ptrace: " << ::strerror(errno);
  }
  // A tracer keeps the process as a zombie, and a caller waits for its end.
  ::kill(process.pid(), SIGKILL);
  v1::CloseSessionRequest request;
  request.set_session_id(session.session().session_id());
  std::thread caller([&] {
    grpc::ClientContext context;
    v1::CloseSessionResponse response;
    EXPECT_FALSE(sessions_->CloseSession(&context, request, &response).ok());
  });
  v1::GetSessionRequest get;
  get.set_session_id(request.session_id());
  v1::GetSessionResponse closing;
  do {
    grpc::ClientContext context;
    ASSERT_TRUE(sessions_->GetSession(&context, get, &closing).ok());
  } while (closing.session().state() == v1::SESSION_STATE_OPEN);
  EXPECT_EQ(server_.End(SIGTERM), 1);
  caller.join();
  int status;
  EXPECT_EQ(::waitpid(process.pid(), &status, __WALL), process.pid());
}

}  // namespace
}  // namespace proctor
