#include <signal.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/harness/e2e_test.h"

namespace proctor {
namespace {

using ProcessE2e = E2eTest;

TEST_F(ProcessE2e, RunsAndTellsEverythingInOrder) {
  const Transcript run = RunAll(Shell("echo out; echo err >&2; exit 3"));
  EXPECT_TRUE(run.status.ok()) << run.status.error_message();
  EXPECT_EQ(run.out, "out\n");
  EXPECT_EQ(run.err, "err\n");
  EXPECT_EQ(run.exit_status.exit_code(), 3);
  EXPECT_EQ(run.exit_status.cause(), v1::EXIT_CAUSE_SELF);
  EXPECT_EQ(run.exit_status.source(), v1::STATUS_SOURCE_WAITED);
  EXPECT_TRUE(run.exit_status.has_usage());
  EXPECT_EQ(run.order.front(), "started");
  EXPECT_EQ(run.order.back(), "drained");
  EXPECT_EQ(run.drained.reason(), v1::DRAIN_REASON_EOF);
  ASSERT_EQ(run.drained.output_size(), 2);
  EXPECT_EQ(run.drained.output(0).total_bytes(), 4u);
}

// conformance 107
TEST_F(ProcessE2e, AGrandchildThatHoldsThePipeIsNamedAndNotWaitedFor) {
  const Transcript run = RunAll(Spec("hold_pipe"));
  EXPECT_TRUE(run.status.ok());
  EXPECT_EQ(run.exit_status.exit_code(), 0);
  EXPECT_EQ(run.drained.reason(), v1::DRAIN_REASON_GRACE_EXPIRED);
  // The drain names the holders if they are known by then. The server knows them soon.
  v1::OutputDrained drained = run.drained;
  while (drained.holders_size() == 0) {
    grpc::ClientContext context;
    v1::ListProcessesResponse response;
    ASSERT_TRUE(processes_->ListProcesses(&context, {}, &response).ok());
    ASSERT_EQ(response.processes_size(), 1);
    drained = response.processes(0).drained();
  }
  ASSERT_EQ(drained.holders_size(), 1);
  EXPECT_EQ(absl::StrCat(drained.holders(0).pid(), "\n"), run.out);
  ::kill(drained.holders(0).pid(), SIGKILL);
}

// conformance 102
TEST_F(ProcessE2e, WaitingConsumesNothing) {
  const v1::Process process = Start(Spec("exit_with", {"9"}));
  std::vector<std::thread> threads;
  for (int i = 0; i < 10; ++i) {
    threads.emplace_back(
        [&] { EXPECT_EQ(Wait(process.process_id()).exit_status().exit_code(), 9); });
  }
  for (auto& thread : threads) thread.join();
  const v1::Process first = Wait(process.process_id());
  const v1::Process second = Wait(process.process_id());
  EXPECT_EQ(first.SerializeAsString(), second.SerializeAsString());
}

TEST_F(ProcessE2e, AWaitTimesOut) {
  const v1::Process process = Start(Spec("wait_forever"));
  grpc::ClientContext context;
  v1::WaitProcessRequest request;
  request.set_process_id(process.process_id());
  request.mutable_timeout()->set_nanos(1000000);
  v1::WaitProcessResponse response;
  const auto details = Details(processes_->WaitProcess(&context, request, &response));
  EXPECT_EQ(details.code, grpc::DEADLINE_EXCEEDED);
  EXPECT_EQ(details.reason, "WAIT_TIMEOUT");
}

TEST_F(ProcessE2e, StopEndsWithTheStatusAndSaysWho) {
  const v1::Process process = Start(Spec("wait_forever"));
  grpc::ClientContext context;
  v1::StopProcessRequest request;
  request.set_process_id(process.process_id());
  v1::StopProcessResponse response;
  ASSERT_TRUE(processes_->StopProcess(&context, request, &response).ok());
  EXPECT_EQ(response.process().exit_status().signal_name(), "SIGTERM");
  EXPECT_EQ(response.process().exit_status().cause(), v1::EXIT_CAUSE_CLIENT_SIGNAL);
  EXPECT_FALSE(response.process().exit_status().requested_by().empty());
  // conformance 104
  grpc::ClientContext late;
  v1::SignalProcessRequest signal;
  signal.set_process_id(process.process_id());
  signal.set_signal("KILL");
  v1::SignalProcessResponse signalled;
  EXPECT_EQ(Details(processes_->SignalProcess(&late, signal, &signalled)).reason, "PROCESS_EXITED");
}

TEST_F(ProcessE2e, StopChangesOnlyWhatItSaysOfTheStopPolicy) {
  v1::ProcessSpec spec = Spec("wait_forever");
  spec.mutable_stop_policy()->set_signal("INT");
  const v1::Process process = Start(spec);
  grpc::ClientContext context;
  v1::StopProcessRequest request;
  request.set_process_id(process.process_id());
  request.mutable_stop_policy()->mutable_grace()->set_seconds(60);
  v1::StopProcessResponse response;
  ASSERT_TRUE(processes_->StopProcess(&context, request, &response).ok());
  EXPECT_EQ(response.process().exit_status().signal_name(), "SIGINT");
}

TEST_F(ProcessE2e, ASignalOnTheStreamReachesTheProcess) {
  grpc::ClientContext context;
  auto stream = processes_->RunProcess(&context);
  v1::RunProcessRequest request;
  *request.mutable_start()->mutable_spec() = Spec("wait_forever");
  stream->Write(request);
  v1::RunProcessRequest signal;
  signal.mutable_input()->mutable_signal()->set_signal("SIGINT");
  stream->Write(signal);
  stream->WritesDone();
  const Transcript run = ReadAll<v1::RunProcessResponse>(*stream);
  EXPECT_TRUE(run.status.ok());
  EXPECT_EQ(run.exit_status.signal(), SIGINT);
  EXPECT_EQ(run.exit_status.returncode(), -SIGINT);
}

TEST_F(ProcessE2e, ListsInPagesAndForgetsOnRequest) {
  std::set<std::string> ids;
  for (int i = 0; i < 7; ++i) {
    v1::ProcessSpec spec = Spec("exit_with", {"0"});
    (*spec.mutable_labels())["parity"] = i % 2 == 0 ? "even" : "odd";
    const v1::Process process = Start(spec);
    Wait(process.process_id());
    if (i % 2 == 0) ids.insert(process.process_id());
  }
  std::set<std::string> listed;
  v1::ListProcessesRequest request;
  (*request.mutable_labels())["parity"] = "even";
  request.set_page_size(3);
  int pages = 0;
  do {
    grpc::ClientContext context;
    v1::ListProcessesResponse response;
    ASSERT_TRUE(processes_->ListProcesses(&context, request, &response).ok());
    for (const auto& process : response.processes()) listed.insert(process.process_id());
    request.set_page_token(response.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(listed, ids);
  EXPECT_EQ(pages, 2);

  grpc::ClientContext context;
  v1::RemoveProcessRequest remove;
  remove.set_process_id(*ids.begin());
  v1::RemoveProcessResponse removed;
  EXPECT_TRUE(processes_->RemoveProcess(&context, remove, &removed).ok());
  grpc::ClientContext again;
  EXPECT_EQ(Details(processes_->RemoveProcess(&again, remove, &removed)).reason,
            "PROCESS_NOT_FOUND");
}

TEST_F(ProcessE2e, ARunningProcessIsRemovedByForceOnly) {
  const v1::Process process = Start(Spec("wait_forever"));
  v1::RemoveProcessRequest request;
  request.set_process_id(process.process_id());
  v1::RemoveProcessResponse response;
  grpc::ClientContext first;
  EXPECT_EQ(Details(processes_->RemoveProcess(&first, request, &response)).reason,
            "PROCESS_RUNNING");
  request.set_force(true);
  grpc::ClientContext second;
  EXPECT_TRUE(processes_->RemoveProcess(&second, request, &response).ok());
}

TEST_F(ProcessE2e, AThousandAtOnceEachEndOnceAndLeaveNothing) {
  constexpr int kProcesses = 1000;
  ExpectEachExitOnce({""}, kProcesses, /*outstanding=*/kProcesses);
}

}  // namespace
}  // namespace proctor
