#include "tests/e2e/harness/control.h"

namespace proctor {
namespace {

class UpdateE2e : public ControlE2e {
 protected:
  grpc::Status Update(const v1::UpdateProcessRequest& request, v1::Process* process) {
    v1::UpdateProcessResponse response;
    grpc::Status status = Call(*processes_, &Processes::UpdateProcess, request, &response);
    *process = response.process();
    return status;
  }

  // Returns how many processes have this label.
  int Count(const std::string& key, const std::string& value) {
    v1::ListProcessesRequest request;
    (*request.mutable_labels())[key] = value;
    v1::ListProcessesResponse response;
    EXPECT_TRUE(Call(*processes_, &Processes::ListProcesses, request, &response).ok());
    return response.processes_size();
  }

  grpc::Status Resize(const std::string& process_id, uint32_t rows, uint32_t columns) {
    v1::ResizeTerminalRequest request;
    request.set_process_id(process_id);
    request.mutable_size()->set_rows(rows);
    request.mutable_size()->set_columns(columns);
    v1::ResizeTerminalResponse response;
    return Call(*processes_, &Processes::ResizeTerminal, request, &response);
  }
};

TEST_F(UpdateE2e, LabelsAreMergedListedAndTold) {
  v1::ProcessSpec spec = Spec("wait_forever");
  (*spec.mutable_labels())["keep"] = "1";
  (*spec.mutable_labels())["change"] = "1";
  (*spec.mutable_labels())["drop"] = "1";
  const v1::Process process = Start(spec);
  v1::UpdateProcessRequest request;
  request.set_process_id(process.process_id());
  (*request.mutable_labels())["change"] = "2";
  (*request.mutable_labels())["drop"] = "";
  v1::Process updated;
  ASSERT_TRUE(Update(request, &updated).ok());
  const std::map<std::string, std::string> expected = {{"keep", "1"}, {"change", "2"}};
  const auto labels_of = [](const v1::ProcessSpec& spec) {
    return std::map<std::string, std::string>(spec.labels().begin(), spec.labels().end());
  };
  EXPECT_EQ(labels_of(updated.spec()), expected);
  EXPECT_EQ(Count("change", "2"), 1);
  EXPECT_EQ(Count("change", "1"), 0);
  EXPECT_EQ(Count("drop", "1"), 0);
  const v1::Event event =
      AwaitEvent([](const v1::Event& event) { return event.has_process_updated(); });
  EXPECT_EQ(event.type(), v1::EVENT_TYPE_PROCESS_UPDATED);
  EXPECT_EQ(event.labels().at("change"), "2");
  EXPECT_EQ(labels_of(event.process_updated().process().spec()), expected);
  EXPECT_EQ(event.process_updated().process().pid(), process.pid());
  EXPECT_EQ(event.process_updated().process().state(), v1::PROCESS_STATE_RUNNING);
}

TEST_F(UpdateE2e, ASmallerRetentionDropsAtOnceAndTellsReadersByAGap) {
  const v1::Process process = Start(Spec("spew", {"50000", "0"}));
  Wait(process.process_id());
  v1::UpdateProcessRequest request;
  request.set_process_id(process.process_id());
  request.mutable_output()->set_retain_bytes(4096);
  v1::Process updated;
  ASSERT_TRUE(Update(request, &updated).ok());
  EXPECT_EQ(updated.spec().output().retain_bytes(), 4096u);
  EXPECT_EQ(updated.spec().output().overflow(), v1::OVERFLOW_POLICY_DROP_OLDEST) << "unchanged";
  EXPECT_EQ(updated.output(0).dropped_bytes(), 50000u - 4096u);
  const Transcript rest = Attach(process.process_id());
  ASSERT_EQ(rest.gaps.size(), 1u);
  EXPECT_EQ(rest.gaps[0].to(), 50000u - 4096u);
  EXPECT_EQ(rest.out.size(), 4096u);
}

TEST_F(UpdateE2e, WhatIsWrongIsNamed) {
  const v1::Process process = Start(Spec("wait_forever"));
  v1::Process updated;
  const auto field = [&](const v1::UpdateProcessRequest& wrong) {
    v1::UpdateProcessRequest request = wrong;
    request.set_process_id(process.process_id());
    const grpc::Status status = Update(request, &updated);
    EXPECT_EQ(status.error_code(), grpc::INVALID_ARGUMENT);
    return Details(status).metadata["field"];
  };
  v1::UpdateProcessRequest labels;
  (*labels.mutable_labels())["a b"] = "c";
  EXPECT_EQ(field(labels), "labels");
  v1::UpdateProcessRequest bytes;
  bytes.mutable_output()->set_retain_bytes(1);
  EXPECT_EQ(field(bytes), "output.retain_bytes");
  v1::UpdateProcessRequest overflow;
  overflow.mutable_output()->set_overflow(static_cast<v1::OverflowPolicy>(9));
  EXPECT_EQ(field(overflow), "output.overflow");
  v1::UpdateProcessRequest nobody;
  nobody.set_process_id("nope");
  EXPECT_EQ(Details(Update(nobody, &updated)).reason, "PROCESS_NOT_FOUND");
}

TEST_F(UpdateE2e, WithinTheQuotaAndBeforeTheSessionCloses) {
  v1::CreateSessionRequest create;
  create.mutable_quota()->set_max_output_bytes(10000);
  v1::Session session;
  ASSERT_TRUE(Create(create, &session).ok());
  v1::ProcessSpec spec = Spec("wait_forever");
  spec.mutable_output()->set_retain_bytes(4096);
  const v1::Process process = Start(spec, session.session_id());
  v1::UpdateProcessRequest request;
  request.set_process_id(process.process_id());
  request.mutable_output()->set_retain_bytes(10001);
  v1::Process updated;
  const grpc::Status refused = Update(request, &updated);
  EXPECT_EQ(refused.error_code(), grpc::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Details(refused).metadata["quota"], "output_bytes");
  EXPECT_EQ(Details(refused).metadata["limit"], "10000");
  request.mutable_output()->set_retain_bytes(10000);
  ASSERT_TRUE(Update(request, &updated).ok());
  CloseSession(session.session_id());
  EXPECT_EQ(Details(Update(request, &updated)).reason, "SESSION_CLOSED");
}

TEST_F(UpdateE2e, ATerminalThatIsNotThereHasNoSize) {
  const v1::Process process = Start(Spec("wait_forever"));
  const grpc::Status status = Resize(process.process_id(), 24, 80);
  EXPECT_EQ(status.error_code(), grpc::FAILED_PRECONDITION);
  EXPECT_EQ(Details(status).reason, "NO_TERMINAL");
  v1::ResizeTerminalRequest request;
  request.set_process_id(process.process_id());
  v1::ResizeTerminalResponse response;
  EXPECT_EQ(
      Details(Call(*processes_, &Processes::ResizeTerminal, request, &response)).metadata["field"],
      "size");
}

TEST_F(UpdateE2e, ATerminalIsResizedAndToldSo) {
  v1::ProcessSpec spec =
      Shell("trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.01; done");
  spec.mutable_pty();
  const v1::Process process = Start(spec);
  EXPECT_EQ(FirstLineOf(process.process_id()), "ready\r");
  EXPECT_EQ(Details(Resize(process.process_id(), 0, 80)).metadata["field"], "size.rows");
  ASSERT_TRUE(Resize(process.process_id(), 33, 101).ok());
  EXPECT_EQ(Wait(process.process_id()).exit_status().exit_code(), 0);
  EXPECT_EQ(Attach(process.process_id()).out, "ready\r\n33 101\r\n");
  EXPECT_EQ(Details(Resize(process.process_id(), 24, 80)).reason, "PROCESS_EXITED");
}

}  // namespace
}  // namespace proctor
