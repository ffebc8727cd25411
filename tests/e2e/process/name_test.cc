#include <string>

#include "tests/e2e/harness/e2e_test.h"

namespace proctor {
namespace {

using NameE2e = E2eTest;

// Tries each RPC that takes an id.
TEST_F(NameE2e, ANameIsGoodForAnId) {
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
    EXPECT_EQ(details.metadata.at("field"), "spec.name");
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
  // The name is free again, and belongs to the newer process.
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

}  // namespace
}  // namespace proctor
