#include "server/process/process_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/debugger.h"
#include "tests/server/service_fixture.h"

namespace proctor::server {
namespace {

using Processes = v1::ProcessService::Stub;
using Async = v1::ProcessService::StubInterface::async_interface;
using testing::HasSubstr;

class ProcessServiceTest : public ServiceTest {
 protected:
  // The call is refused, and the error names the field.
  template <typename Request, typename Response>
  void ExpectInvalid(grpc::Status (Processes::*method)(grpc::ClientContext*, const Request&,
                                                       Response*),
                     const Request& request, const std::string& field) {
    Response response;
    const grpc::Status status = Ask(*processes_, method, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << field;
    EXPECT_EQ(ReasonIn(status), "INVALID_FIELD") << field;
    EXPECT_THAT(status.error_message(), HasSubstr(field));
  }

  static Command Silent() {
    Command command = MakeCommand("copy_stdin");
    command.stdin_mode = StdioMode::kPipe;
    return command;
  }
};

TEST_F(ProcessServiceTest, RefusesStartsThatAreNone) {
  v1::StartProcessRequest request;
  ExpectInvalid(&Processes::StartProcess, request, "spec");
  request.mutable_spec();
  ExpectInvalid(&Processes::StartProcess, request, "spec");  // of nothing
  request.mutable_spec()->add_argv("/bin/true");
  request.set_request_id(std::string(129, 'r'));
  ExpectInvalid(&Processes::StartProcess, request, "request_id");
  EXPECT_EQ(registry_->open_sessions(), 0u);  // none was opened for them
}

TEST_F(ProcessServiceTest, RefusesSignalsAndScopesThatAreNone) {
  v1::SignalProcessRequest request;
  request.set_process_id("p");
  ExpectInvalid(&Processes::SignalProcess, request, "signal");
  request.set_signal("SIGNONE");
  ExpectInvalid(&Processes::SignalProcess, request, "signal");
  request.set_signal("SIGTERM");
  request.set_scope(static_cast<v1::SignalScope>(99));
  ExpectInvalid(&Processes::SignalProcess, request, "scope");
}

TEST_F(ProcessServiceTest, RefusesListsOfUnknownStatesAndPages) {
  v1::ListProcessesRequest request;
  request.add_states(static_cast<v1::ProcessState>(99));
  ExpectInvalid(&Processes::ListProcesses, request, "states");
  request.set_states(0, v1::PROCESS_STATE_UNSPECIFIED);
  ExpectInvalid(&Processes::ListProcesses, request, "states");
  request.clear_states();
  request.set_page_size(-1);
  ExpectInvalid(&Processes::ListProcesses, request, "page_size");
  request.set_page_size(0);
  request.set_page_token("none");
  ExpectInvalid(&Processes::ListProcesses, request, "page_token");
}

TEST_F(ProcessServiceTest, RefusesWaitsThatAreNone) {
  v1::WaitProcessRequest request;
  request.set_process_id("p");
  request.mutable_timeout()->set_seconds(-1);
  ExpectInvalid(&Processes::WaitProcess, request, "timeout");
  request.clear_timeout();
  request.set_until(static_cast<v1::WaitUntil>(99));
  ExpectInvalid(&Processes::WaitProcess, request, "until");
}

TEST_F(ProcessServiceTest, RefusesChangesAndCancellationsThatAreNone) {
  v1::UpdateProcessRequest update;
  update.mutable_output()->set_overflow(static_cast<v1::OverflowPolicy>(99));
  ExpectInvalid(&Processes::UpdateProcess, update, "output.overflow");
  v1::CancelStartRequest cancel;
  ExpectInvalid(&Processes::CancelStart, cancel, "request_id");
  v1::StopProcessRequest stop;
  stop.mutable_stop_policy()->set_signal("SIGNONE");
  ExpectInvalid(&Processes::StopProcess, stop, "stop_policy");
}

TEST_F(ProcessServiceTest, KnowsNoProcessThatIsNotThere) {
  v1::GetProcessRequest request;
  request.set_process_id("nobody");
  v1::GetProcessResponse response;
  const grpc::Status status = Ask(*processes_, &Processes::GetProcess, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonIn(status), "PROCESS_NOT_FOUND");
}

TEST_F(ProcessServiceTest, RefusesAStreamThatBeginsWithSomethingElse) {
  grpc::ClientContext run_context, attach_context, read_context;
  auto run = processes_->RunProcess(&run_context);
  v1::RunProcessRequest input;
  input.mutable_input()->set_close_stdin(true);
  run->Write(input);
  grpc::Status status = run->Finish();
  EXPECT_EQ(ReasonIn(status), "INVALID_FIELD");
  EXPECT_THAT(status.error_message(), HasSubstr("`start`"));

  auto attach = processes_->AttachProcess(&attach_context);
  attach->WritesDone();
  status = attach->Finish();
  EXPECT_EQ(ReasonIn(status), "INVALID_FIELD");
  EXPECT_THAT(status.error_message(), HasSubstr("before its first request"));

  const auto started = Start(Open(), Silent());
  v1::ReadOutputRequest read;
  read.set_process_id(started->id);
  read.add_streams(static_cast<v1::Stream>(99));
  status = processes_->ReadOutput(&read_context, read)->Finish();
  EXPECT_EQ(ReasonIn(status), "INVALID_FIELD");
  EXPECT_THAT(status.error_message(), HasSubstr("streams"));
}

TEST_F(ProcessServiceTest, AWaitEndsWithItsTimeout) {
  const auto session = Open();
  const auto started = Start(session, Silent());
  Pending<v1::WaitProcessRequest, v1::WaitProcessResponse> call;
  call.request.set_process_id(started->id);
  ServiceTest::Begin<Async>(processes_->async(), call, &Async::WaitProcess);  // has none
  v1::WaitProcessRequest at_once;
  at_once.set_process_id(started->id);
  at_once.mutable_timeout();
  v1::WaitProcessResponse response;
  const grpc::Status status = Ask(*processes_, &Processes::WaitProcess, at_once, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(ReasonIn(status), "WAIT_TIMEOUT");
  Advance(session, absl::Hours(1000));
  EXPECT_FALSE(call.answered.HasBeenNotified());
  v1::SignalProcessRequest kill;
  kill.set_process_id(started->id);
  kill.set_signal("SIGKILL");
  v1::SignalProcessResponse killed;
  EXPECT_TRUE(Ask(*processes_, &Processes::SignalProcess, kill, &killed).ok());
  EXPECT_TRUE(call.Await().ok());
  EXPECT_EQ(call.response.process().exit_status().signal(), SIGKILL);
}

TEST_F(ProcessServiceTest, AWaitWhoseCallerLeavesIsOver) {
  const auto session = Open();
  const auto started = Start(session, Silent());
  Pending<v1::WaitProcessRequest, v1::WaitProcessResponse> call;
  call.request.set_process_id(started->id);
  ServiceTest::Begin<Async>(processes_->async(), call, &Async::WaitProcess);
  call.context.TryCancel();
  EXPECT_EQ(call.Await().error_code(), grpc::StatusCode::CANCELLED);
}

// The grace of its policy, then ten seconds more for what does not even end of SIGKILL.
TEST_F(ProcessServiceTest, AStopGivesUpTenSecondsAfterSigkill) {
  const auto session = Open();
  Command command = MakeCommand("ignore_term");
  command.stop_policy.grace = absl::Seconds(3);
  const auto started = Start(session, command);
  Pending<v1::StopProcessRequest, v1::StopProcessResponse> call;
  call.request.set_process_id(started->id);
  {
    const Debugger debugger(started->pid);
    ServiceTest::Begin<Async>(processes_->async(), call, &Async::StopProcess);
    const auto signalled = [&](int signal) {
      AwaitEvent([&](const Event& event) {
        const auto* detail = std::get_if<ProcessSignalled>(&event.detail);
        return detail != nullptr && event.process_id == started->id && detail->signal == signal;
      });
    };
    signalled(SIGTERM);
    Advance(session, absl::Seconds(3));
    signalled(SIGKILL);
    Advance(session, absl::Seconds(9));
    EXPECT_FALSE(call.answered.HasBeenNotified());
    Advance(session, absl::Seconds(1));
    EXPECT_EQ(call.Await().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
    EXPECT_EQ(ReasonIn(call.status), "STOP_TIMEOUT");
  }
  AwaitExit(started->id);
}

TEST_F(ProcessServiceTest, StdinThatIsNotPipedTakesNothing) {
  const auto started = Start(Open(), MakeCommand("wait_forever"));
  v1::WriteStdinRequest request;
  request.set_process_id(started->id);
  request.set_data("x");
  v1::WriteStdinResponse response;
  const grpc::Status status = Ask(*processes_, &Processes::WriteStdin, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonIn(status), "STDIN_NOT_PIPED");
}

TEST_F(ProcessServiceTest, ARemovalOfWhatRunsIsRefusedAndWithForceKills) {
  const auto started = Start(Open(), Silent());
  v1::RemoveProcessRequest request;
  request.set_process_id(started->id);
  v1::RemoveProcessResponse response;
  const grpc::Status status = Ask(*processes_, &Processes::RemoveProcess, request, &response);
  EXPECT_EQ(ReasonIn(status), "PROCESS_RUNNING");
  request.set_force(true);
  EXPECT_TRUE(Ask(*processes_, &Processes::RemoveProcess, request, &response).ok());
  EXPECT_FALSE(registry_->FindProcess(started->id).ok());
}

}  // namespace
}  // namespace proctor::server
