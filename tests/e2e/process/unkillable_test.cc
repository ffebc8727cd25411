// Processes that do not even die of SIGKILL. A debugger holds them, as the kernel would do on a
// dead disk.

#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "tests/e2e/harness/control.h"

namespace proctor {
namespace {

// Holds a process, also as a zombie, until the destructor lets it go.
class Debugger {
 public:
  explicit Debugger(pid_t pid) {
    int seized[2];
    EXPECT_EQ(::pipe2(seized, O_CLOEXEC), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      const char ok = ::ptrace(PTRACE_SEIZE, pid, 0, 0) == 0 ? 'y' : 'n';
      (void)!::write(seized[1], &ok, 1);
      while (true) ::pause();
    }
    char ok = 'n';
    EXPECT_EQ(::read(seized[0], &ok, 1), 1);
    EXPECT_EQ(ok, 'y') << "not allowed to trace " << pid;
    ::close(seized[0]);
    ::close(seized[1]);
  }
  ~Debugger() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_;
};

class UnkillableE2e : public ControlE2e {
 protected:
  grpc::Status TryClose(const std::string& session_id, grpc::ClientContext& context) {
    v1::CloseSessionRequest request;
    request.set_session_id(session_id);
    v1::CloseSessionResponse response;
    return sessions_->CloseSession(&context, request, &response);
  }
};

TEST_F(UnkillableE2e, CloseAndStopSayWhatIsLeftAndGoOn) {
  v1::Session closing;
  ASSERT_TRUE(Create({}, &closing).ok());
  const v1::Process in_session = Start(Spec("wait_forever"), closing.session_id());
  v1::ProcessSpec spec = Spec("wait_forever");
  spec.mutable_stop_policy()->mutable_grace()->set_nanos(1000000);
  const v1::Process alone = Start(spec);
  {
    const Debugger first(in_session.pid());
    const Debugger second(alone.pid());
    grpc::Status stopped, removed;
    std::thread stop([&] {
      v1::StopProcessRequest request;
      request.set_process_id(alone.process_id());
      v1::StopProcessResponse response;
      stopped = Call(*processes_, &Processes::StopProcess, request, &response);
    });
    std::thread remove([&] {
      v1::RemoveProcessRequest request;
      request.set_process_id(alone.process_id());
      request.set_force(true);
      v1::RemoveProcessResponse response;
      removed = Call(*processes_, &Processes::RemoveProcess, request, &response);
    });
    grpc::ClientContext context;
    const ErrorDetails closed = Details(TryClose(closing.session_id(), context));
    stop.join();
    remove.join();
    EXPECT_EQ(closed.code, grpc::DEADLINE_EXCEEDED);
    EXPECT_EQ(closed.reason, "CLOSE_TIMEOUT");
    EXPECT_EQ(closed.metadata.at("left"), "1");
    EXPECT_EQ(closed.metadata.at("pids"), std::to_string(in_session.pid()));
    for (const grpc::Status& status : {stopped, removed}) {
      EXPECT_EQ(status.error_code(), grpc::DEADLINE_EXCEEDED);
      EXPECT_EQ(Details(status).reason, "STOP_TIMEOUT") << status.error_message();
      EXPECT_EQ(Details(status).metadata["pid"], std::to_string(alone.pid()));
    }
    EXPECT_EQ(Get(closing.session_id()).state(), v1::SESSION_STATE_CLOSING);
  }
  EXPECT_EQ(CloseSession(closing.session_id()).state(), v1::SESSION_STATE_CLOSED);
  EXPECT_EQ(Wait(alone.process_id()).exit_status().signal(), SIGKILL);
}

TEST_F(UnkillableE2e, ACloseGoesOnWithoutItsCaller) {
  v1::Session closing;
  ASSERT_TRUE(Create({}, &closing).ok());
  const v1::Process process = Start(Spec("wait_forever"), closing.session_id());
  {
    const Debugger debugger(process.pid());
    grpc::ClientContext context;
    std::thread close(
        [&] { EXPECT_EQ(TryClose(closing.session_id(), context).error_code(), grpc::CANCELLED); });
    while (Get(closing.session_id()).state() == v1::SESSION_STATE_OPEN) {
    }
    context.TryCancel();
    close.join();
    EXPECT_EQ(Get(closing.session_id()).state(), v1::SESSION_STATE_CLOSING);
  }
  AwaitSessionClosed(closing.session_id());
}

}  // namespace
}  // namespace proctor
