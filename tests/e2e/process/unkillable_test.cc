// Processes that do not even die of SIGKILL. A debugger holds them, as the kernel would do on a
// dead disk.

#include <signal.h>

#include <string>
#include <thread>

#include "tests/debugger.h"
#include "tests/e2e/harness/control.h"

namespace proctor {
namespace {

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
