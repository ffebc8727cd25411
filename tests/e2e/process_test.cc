#include <signal.h>

#include <map>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/e2e/server_process.h"

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

TEST_F(ProcessE2e, IsBinaryCleanAndEndsOnHalfClose) {
  std::string input;
  for (int i = 0; i < 1000000; ++i) input.push_back(static_cast<char>(i * 7 + i / 256));
  v1::ProcessSpec spec = Spec("copy_stdin");
  spec.set_stdin_mode(v1::STDIO_MODE_PIPE);
  const Transcript run = RunAll(spec, input);
  EXPECT_TRUE(run.status.ok()) << run.status.error_message();
  EXPECT_EQ(run.out.size(), input.size());
  EXPECT_TRUE(run.out == input) << "bytes differ";
  EXPECT_EQ(run.exit_status.exit_code(), 0);
}

// conformance 107
TEST_F(ProcessE2e, AGrandchildThatHoldsThePipeIsNamedAndNotWaitedFor) {
  const Transcript run = RunAll(Spec("hold_pipe"));
  EXPECT_TRUE(run.status.ok());
  EXPECT_EQ(run.exit_status.exit_code(), 0);
  EXPECT_EQ(run.drained.reason(), v1::DRAIN_REASON_GRACE_EXPIRED);
  // Told with the drain if that was known by then, and soon anyhow.
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

TEST_F(ProcessE2e, AnotherClientAttachesFromTheStartAndSeesAll) {
  const v1::Process process = Start(Spec("spew", {"50000", "10"}));
  Wait(process.process_id());
  auto other = v1::ProcessService::NewStub(server_.NewChannel());
  processes_.swap(other);
  const Transcript attached = Attach(process.process_id());
  EXPECT_TRUE(attached.status.ok());
  EXPECT_EQ(attached.out.size(), 50000u);
  EXPECT_EQ(attached.err.size(), 10u);
  EXPECT_TRUE(attached.gaps.empty());
  EXPECT_EQ(attached.exit_status.exit_code(), 0);
  EXPECT_EQ(Attach(process.process_id(), 49990).out.size(), 10u);
}

TEST_F(ProcessE2e, AGapIsToldWhereOutputIsNotKept) {
  v1::ProcessSpec spec = Spec("spew", {"50000", "0"});
  spec.mutable_output()->set_retain_bytes(4096);
  const v1::Process process = Start(spec);
  Wait(process.process_id());
  const Transcript attached = Attach(process.process_id());
  ASSERT_EQ(attached.gaps.size(), 1u);
  EXPECT_EQ(attached.gaps[0].from(), 0u);
  EXPECT_EQ(attached.gaps[0].to(), 50000u - 4096u);
  EXPECT_EQ(attached.out.size(), 4096u);
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

TEST_F(ProcessE2e, ALostStreamKillsOrKeepsAsAsked) {
  for (const auto policy : {v1::DISCONNECT_POLICY_KILL, v1::DISCONNECT_POLICY_KEEP}) {
    std::string id;
    {
      grpc::ClientContext context;
      auto stream = processes_->RunProcess(&context);
      v1::RunProcessRequest request;
      *request.mutable_start()->mutable_spec() = Spec("copy_stdin");
      request.mutable_start()->mutable_spec()->set_stdin_mode(v1::STDIO_MODE_PIPE);
      request.mutable_start()->set_on_disconnect(policy);
      ASSERT_TRUE(stream->Write(request));
      v1::RunProcessResponse response;
      ASSERT_TRUE(stream->Read(&response));
      id = response.message().started().process().process_id();
      context.TryCancel();
      EXPECT_EQ(stream->Finish().error_code(), grpc::CANCELLED);
    }
    if (policy == v1::DISCONNECT_POLICY_KILL) {
      const v1::Process killed = Wait(id);
      EXPECT_EQ(killed.exit_status().signal(), SIGKILL);
      EXPECT_EQ(killed.exit_status().cause(), v1::EXIT_CAUSE_DISCONNECTED);
      continue;
    }
    // It lives, its stdin was not taken for ended, and it is fed by another call.
    grpc::ClientContext context;
    v1::WriteStdinRequest write;
    write.set_process_id(id);
    write.set_data("still here");
    write.set_eof(true);
    v1::WriteStdinResponse written;
    const grpc::Status status = processes_->WriteStdin(&context, write, &written);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(written.stdin_bytes(), 10u);
    EXPECT_EQ(Wait(id).exit_status().exit_code(), 0);
    EXPECT_EQ(Attach(id).out, "still here");
  }
}

// In each RPC that takes an id.
TEST_F(ProcessE2e, ANameIsGoodForAnId) {
  v1::ProcessSpec spec = Spec("copy_stdin");
  spec.set_stdin_mode(v1::STDIO_MODE_PIPE);
  spec.set_name("web.1");
  const std::string id = Start(spec).process_id();
  {
    grpc::ClientContext context;
    v1::GetProcessRequest request;
    request.set_process_id("web.1");
    v1::GetProcessResponse response;
    ASSERT_TRUE(processes_->GetProcess(&context, request, &response).ok());
    EXPECT_EQ(response.process().process_id(), id);
    EXPECT_EQ(response.process().spec().name(), "web.1");
  }
  {
    grpc::ClientContext context;
    v1::StartProcessRequest request;
    *request.mutable_spec() = spec;
    v1::StartProcessResponse response;
    const auto details = Details(processes_->StartProcess(&context, request, &response));
    EXPECT_EQ(details.code, grpc::ALREADY_EXISTS);
    EXPECT_EQ(details.reason, "NAME_IN_USE");
    EXPECT_EQ(details.metadata.at("process_id"), id);
  }
  {
    grpc::ClientContext context;
    v1::UpdateProcessRequest request;
    request.set_process_id("web.1");
    (*request.mutable_labels())["k"] = "v";
    v1::UpdateProcessResponse response;
    ASSERT_TRUE(processes_->UpdateProcess(&context, request, &response).ok());
    EXPECT_EQ(response.process().spec().name(), "web.1");
  }
  {
    grpc::ClientContext context;
    v1::WriteStdinRequest request;
    request.set_process_id("web.1");
    request.set_data("told by name");
    request.set_eof(true);
    v1::WriteStdinResponse response;
    ASSERT_TRUE(processes_->WriteStdin(&context, request, &response).ok());
  }
  EXPECT_EQ(Wait("web.1").process_id(), id);
  EXPECT_EQ(Attach("web.1").out, "told by name");
  {
    grpc::ClientContext context;
    v1::ReadOutputRequest request;
    request.set_process_id("web.1");
    v1::ReadOutputResponse response;
    auto stream = processes_->ReadOutput(&context, request);
    ASSERT_TRUE(stream->Read(&response));
    while (stream->Read(&response)) {
    }
    EXPECT_TRUE(stream->Finish().ok());
  }
  {
    grpc::ClientContext context;
    v1::ListEventsRequest request;
    request.mutable_filter()->add_process_ids("web.1");
    v1::ListEventsResponse response;
    ASSERT_TRUE(events_->ListEvents(&context, request, &response).ok());
    ASSERT_GT(response.events_size(), 0);
    EXPECT_EQ(response.events(0).process_id(), id);
    EXPECT_EQ(response.events(0).process_started().process().spec().name(), "web.1");
  }
  // Free again; the newer one has it.
  v1::ProcessSpec next = Spec("wait_forever");
  next.set_name("web.1");
  const std::string second = Start(next).process_id();
  {
    grpc::ClientContext context;
    v1::SignalProcessRequest request;
    request.set_process_id("web.1");
    request.set_signal("CONT");
    v1::SignalProcessResponse response;
    EXPECT_TRUE(processes_->SignalProcess(&context, request, &response).ok());
  }
  {
    grpc::ClientContext context;
    v1::StopProcessRequest request;
    request.set_process_id("web.1");
    v1::StopProcessResponse response;
    ASSERT_TRUE(processes_->StopProcess(&context, request, &response).ok());
    EXPECT_EQ(response.process().process_id(), second);
  }
  for (const bool force : {true, false}) {
    grpc::ClientContext context;
    v1::RemoveProcessRequest request;
    request.set_process_id("web.1");
    request.set_force(force);
    v1::RemoveProcessResponse response;
    EXPECT_TRUE(processes_->RemoveProcess(&context, request, &response).ok()) << force;
  }
  grpc::ClientContext context;
  v1::GetProcessRequest request;
  request.set_process_id("web.1");
  v1::GetProcessResponse response;
  EXPECT_EQ(Details(processes_->GetProcess(&context, request, &response)).reason,
            "PROCESS_NOT_FOUND");
}

TEST_F(ProcessE2e, ALostTerminalIsAHangUp) {
  grpc::ClientContext context;
  auto stream = processes_->RunProcess(&context);
  v1::RunProcessRequest request;
  *request.mutable_start()->mutable_spec() =
      Shell("trap 'exit 7' HUP; echo ready; while :; do sleep 0.1; done");
  request.mutable_start()->mutable_spec()->mutable_pty();
  request.mutable_start()->mutable_spec()->mutable_stop_policy()->mutable_grace()->set_seconds(
      3600);
  ASSERT_TRUE(stream->Write(request));
  v1::RunProcessResponse response;
  ASSERT_TRUE(stream->Read(&response));
  const std::string id = response.message().started().process().process_id();
  while (!response.message().has_output()) ASSERT_TRUE(stream->Read(&response));
  context.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::CANCELLED);
  const v1::Process ended = Wait(id);
  EXPECT_EQ(ended.exit_status().exit_code(), 7);
  EXPECT_EQ(ended.exit_status().cause(), v1::EXIT_CAUSE_DISCONNECTED);
}

TEST_F(ProcessE2e, WhoTakesStdinOverKeepsTheProcess) {
  v1::ProcessSpec spec = Spec("copy_stdin");
  spec.set_stdin_mode(v1::STDIO_MODE_PIPE);
  grpc::ClientContext context;
  auto stream = processes_->RunProcess(&context);
  v1::RunProcessRequest request;
  *request.mutable_start()->mutable_spec() = spec;
  request.mutable_start()->set_on_disconnect(v1::DISCONNECT_POLICY_KILL);
  ASSERT_TRUE(stream->Write(request));
  v1::RunProcessResponse response;
  ASSERT_TRUE(stream->Read(&response));
  const std::string id = response.message().started().process().process_id();

  // Another stream has it for as long as it lasts.
  grpc::ClientContext other_context;
  auto other = processes_->AttachProcess(&other_context);
  v1::AttachProcessRequest attach;
  attach.mutable_attach()->set_process_id(id);
  attach.mutable_attach()->set_force_stdin(true);
  ASSERT_TRUE(other->Write(attach));
  v1::AttachProcessRequest other_data;
  other_data.mutable_input()->mutable_stdin()->set_data("of the other\n");
  ASSERT_TRUE(other->Write(other_data));
  while (stream->Read(&response) && !response.message().has_output()) {
  }
  v1::RunProcessRequest data;
  data.mutable_input()->mutable_stdin()->set_data("of the first\n");
  ASSERT_TRUE(stream->Write(data));
  while (stream->Read(&response)) {
  }
  EXPECT_EQ(Details(stream->Finish()).reason, "STDIN_BUSY");

  other_data.mutable_input()->set_close_stdin(true);
  ASSERT_TRUE(other->Write(other_data));
  const Transcript rest = ReadAll<v1::AttachProcessResponse>(*other);
  EXPECT_TRUE(rest.status.ok()) << rest.status.error_message();
  EXPECT_EQ(rest.out, "of the other\n");
  EXPECT_EQ(rest.exit_status.cause(), v1::EXIT_CAUSE_SELF);
  EXPECT_EQ(rest.exit_status.exit_code(), 0);
}

TEST_F(ProcessE2e, AnUnknownDisconnectPolicyIsRefused) {
  grpc::ClientContext context;
  auto stream = processes_->RunProcess(&context);
  v1::RunProcessRequest request;
  *request.mutable_start()->mutable_spec() = Spec("exit_with", {"0"});
  request.mutable_start()->set_on_disconnect(static_cast<v1::DisconnectPolicy>(77));
  ASSERT_TRUE(stream->Write(request));
  v1::RunProcessResponse response;
  EXPECT_FALSE(stream->Read(&response));
  const auto details = Details(stream->Finish());
  EXPECT_EQ(details.code, grpc::INVALID_ARGUMENT);
  EXPECT_EQ(details.metadata.at("field"), "start.on_disconnect");
}

TEST_F(ProcessE2e, AClosedStdinIsToldAndIsNoError) {
  v1::ProcessSpec spec = Shell("exec <&-; echo closed; exec sleep 1000");
  spec.set_stdin_mode(v1::STDIO_MODE_PIPE);
  grpc::ClientContext context;
  auto stream = processes_->RunProcess(&context);
  v1::RunProcessRequest request;
  *request.mutable_start()->mutable_spec() = spec;
  ASSERT_TRUE(stream->Write(request));
  v1::RunProcessResponse response;
  while (stream->Read(&response) && !response.message().has_output()) {
  }
  v1::RunProcessRequest data;
  data.mutable_input()->mutable_stdin()->set_data("into the void");
  ASSERT_TRUE(stream->Write(data));
  bool told = false;
  while (!told && stream->Read(&response)) told = response.message().has_stdin_closed();
  EXPECT_TRUE(told);
  context.TryCancel();
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

TEST_F(ProcessE2e, AStoppedReaderHoldsBackItsOwnProcessOnly) {
  grpc::ClientContext context;
  auto stream = processes_->RunProcess(&context);
  v1::RunProcessRequest request;
  *request.mutable_start()->mutable_spec() = Spec("spew", {"50000000", "0"});
  stream->Write(request);
  // Not reading: another process of the same session runs to its end meanwhile.
  EXPECT_EQ(RunAll(Spec("spew", {"3000000", "0"})).out.size(), 3000000u);
  const Transcript slow = ReadAll<v1::RunProcessResponse>(*stream);
  EXPECT_EQ(slow.out.size(), 50000000u);
  EXPECT_TRUE(slow.gaps.empty());
}

TEST_F(ProcessE2e, ReadOutputReadsTailsAndOneStream) {
  const v1::Process process = Start(Spec("spew", {"1000", "500"}));
  Wait(process.process_id());
  grpc::ClientContext context;
  v1::ReadOutputRequest request;
  request.set_process_id(process.process_id());
  request.add_streams(v1::STREAM_STDERR);
  auto stream = processes_->ReadOutput(&context, request);
  const Transcript errors = ReadAll<v1::ReadOutputResponse>(*stream);
  EXPECT_EQ(errors.err.size(), 500u);
  EXPECT_TRUE(errors.out.empty());

  grpc::ClientContext second;
  request.clear_streams();
  request.mutable_from()->set_tail_bytes(100);
  auto tail = processes_->ReadOutput(&second, request);
  const Transcript last = ReadAll<v1::ReadOutputResponse>(*tail);
  EXPECT_EQ(last.out.size() + last.err.size(), 100u);
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
