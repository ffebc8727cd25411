// Each call that is refused has one line in the log, with the name that it has in the contract.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/log_lines.h"
#include "tests/server/service_fixture.h"

namespace proctor::server {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

class RefusedCallTest : public ServiceTest {
 protected:
  // The lines about refusals since the last call, which have come when the caller has its answer.
  std::vector<std::string> Refused() {
    std::vector<std::string> refused;
    for (std::string& line : log_.Take()) {
      if (line.find(" call refused ") != std::string::npos) refused.push_back(std::move(line));
    }
    return refused;
  }

  template <typename Stub, typename Request, typename Response>
  void ExpectRefused(Stub& stub,
                     grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                     const Request& request, const std::string& rpc, const std::string& code) {
    Response response;
    EXPECT_FALSE(Ask(stub, method, request, &response).ok()) << rpc;
    EXPECT_THAT(Refused(), ElementsAre(StartsWith(absl::StrCat("info call refused rpc=", rpc,
                                                               " code=", code, " reason="))));
  }

  LogLines log_{spdlog::level::debug};
};

using Processes = v1::ProcessService::Stub;
using Sessions = v1::SessionService::Stub;

TEST_F(RefusedCallTest, IsNamedAsInTheContract) {
  ExpectRefused(*processes_, &Processes::StartProcess, {}, "StartProcess", "INVALID_ARGUMENT");
  ExpectRefused(*processes_, &Processes::RestartProcess, {}, "RestartProcess", "NOT_FOUND");
  ExpectRefused(*processes_, &Processes::GetProcess, {}, "GetProcess", "NOT_FOUND");
  ExpectRefused(*processes_, &Processes::WaitProcess, {}, "WaitProcess", "NOT_FOUND");
  ExpectRefused(*processes_, &Processes::StopProcess, {}, "StopProcess", "NOT_FOUND");
  ExpectRefused(*processes_, &Processes::RemoveProcess, {}, "RemoveProcess", "NOT_FOUND");
  ExpectRefused(*processes_, &Processes::WriteStdin, {}, "WriteStdin", "NOT_FOUND");
  ExpectRefused(*processes_, &Processes::CancelStart, {}, "CancelStart", "INVALID_ARGUMENT");
  v1::RemoveProcessRequest remove;
  remove.set_force(true);
  ExpectRefused(*processes_, &Processes::RemoveProcess, remove, "RemoveProcess", "NOT_FOUND");
  v1::SignalProcessRequest signal;
  signal.set_signal("TERM");
  ExpectRefused(*processes_, &Processes::SignalProcess, signal, "SignalProcess", "NOT_FOUND");
  v1::UpdateProcessRequest update;
  (*update.mutable_labels())["colour"] = "red";
  ExpectRefused(*processes_, &Processes::UpdateProcess, update, "UpdateProcess", "NOT_FOUND");
  v1::GetProcessUsageRequest usage;
  usage.set_page_size(-1);
  ExpectRefused(*processes_, &Processes::GetProcessUsage, usage, "GetProcessUsage",
                "INVALID_ARGUMENT");

  v1::RenewSessionRequest renew;
  renew.set_session_id("none");
  ExpectRefused(*sessions_, &Sessions::RenewSession, renew, "RenewSession", "NOT_FOUND");
  renew.set_session_id(Open()->id());  // on its thread
  ExpectRefused(*sessions_, &Sessions::RenewSession, renew, "RenewSession", "FAILED_PRECONDITION");
  ExpectRefused(*sessions_, &Sessions::CloseSession, {}, "CloseSession", "INVALID_ARGUMENT");
  v1::ListEventsRequest list;
  list.set_page_size(-1);
  ExpectRefused(*event_stub_, &v1::EventService::Stub::ListEvents, list, "ListEvents",
                "INVALID_ARGUMENT");
}

TEST_F(RefusedCallTest, IsToldOnceOfAStream) {
  {
    grpc::ClientContext context;
    const auto stream = processes_->ReadOutput(&context, {});
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_THAT(Refused(), ElementsAre(StartsWith("info call refused rpc=ReadOutput ")));
  }
  {
    grpc::ClientContext context;
    const auto stream = processes_->RunProcess(&context);
    v1::RunProcessRequest request;
    request.mutable_start()->mutable_spec()->add_argv("/none");
    stream->Write(request);
    EXPECT_FALSE(stream->Finish().ok());
    EXPECT_THAT(Refused(), ElementsAre(StartsWith("info call refused rpc=RunProcess ")));
  }
  {
    grpc::ClientContext context;
    v1::WatchEventsRequest request;
    request.mutable_resume_after()->set_log_id("another");
    const auto stream = event_stub_->WatchEvents(&context, request);
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::ABORTED);
    EXPECT_THAT(Refused(), ElementsAre(StartsWith("info call refused rpc=WatchEvents ")));
  }
}

TEST_F(RefusedCallTest, IsNotTheEndOfACallThatWentWell) {
  const auto runs = Start(Open(), MakeCommand("wait_forever"));
  v1::GetProcessRequest get;
  get.set_process_id(runs->id);
  v1::GetProcessResponse response;
  EXPECT_TRUE(Ask(*processes_, &Processes::GetProcess, get, &response).ok());
  EXPECT_THAT(Refused(), ::testing::IsEmpty());
}

}  // namespace
}  // namespace proctor::server
