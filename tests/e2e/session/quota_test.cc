#include "absl/strings/str_cat.h"
#include "tests/e2e/harness/control.h"

namespace proctor {
namespace {

class QuotaE2e : public ControlE2e {
 protected:
  QuotaE2e()
      : ControlE2e({"--log-level=warning", "--max-sessions=3", "--max-processes=4",
                    "--max-processes-per-session=3", "--max-output-bytes-per-session=1000000"}) {}

  static void ExpectQuota(const grpc::Status& status, const std::string& quota, uint64_t limit,
                          uint64_t used) {
    EXPECT_EQ(status.error_code(), grpc::RESOURCE_EXHAUSTED) << status.error_message();
    const ErrorDetails details = Details(status);
    EXPECT_EQ(details.reason, "QUOTA_EXCEEDED");
    const std::map<std::string, std::string> expected = {
        {"quota", quota}, {"limit", absl::StrCat(limit)}, {"used", absl::StrCat(used)}};
    EXPECT_EQ(details.metadata, expected);
  }

  v1::Session Open(uint64_t processes, uint64_t bytes) {
    v1::CreateSessionRequest request;
    request.mutable_quota()->set_max_running_processes(processes);
    request.mutable_quota()->set_max_output_bytes(bytes);
    v1::Session session;
    const grpc::Status status = Create(request, &session);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return session;
  }

  static v1::ProcessSpec Keeping(uint64_t bytes) {
    v1::ProcessSpec spec = Spec("wait_forever");
    spec.mutable_output()->set_retain_bytes(bytes);
    return spec;
  }
};

TEST_F(QuotaE2e, OfRunningProcesses) {
  const std::string session = Open(2, 0).session_id();
  v1::Process first, other;
  ASSERT_TRUE(TryStart(Keeping(4096), session, "r", &first).ok());
  ASSERT_TRUE(TryStart(Keeping(4096), session, "", &other).ok());
  ExpectQuota(TryStart(Keeping(4096), session, "", &other), "running_processes", 2, 2);
  v1::Process again;
  ASSERT_TRUE(TryStart(Keeping(4096), session, "r", &again).ok()) << "a repetition";
  EXPECT_EQ(again.process_id(), first.process_id());
  v1::SignalProcessResponse signalled;
  ASSERT_TRUE(Signal(first.process_id(), "KILL", v1::SIGNAL_SCOPE_LEADER, &signalled).ok());
  Wait(first.process_id());
  EXPECT_TRUE(TryStart(Keeping(4096), session, "", &other).ok());
}

TEST_F(QuotaE2e, OfOutput) {
  const std::string session = Open(0, 10000).session_id();
  v1::Process process;
  ASSERT_TRUE(TryStart(Keeping(6000), session, "", &process).ok());
  ExpectQuota(TryStart(Keeping(4097), session, "", &process), "output_bytes", 10000, 6000);

  v1::ProcessSpec spec = Keeping(4096);
  grpc::ClientContext context;
  auto stream = processes_->RunProcess(&context);
  v1::RunProcessRequest request;
  request.mutable_start()->set_session_id(session);
  *request.mutable_start()->mutable_spec() = Keeping(5000);
  stream->Write(request);
  ExpectQuota(ReadAll<v1::RunProcessResponse>(*stream).status, "output_bytes", 10000, 6000);
}

TEST_F(QuotaE2e, OfTheServer) {
  const std::string one = Open(0, 0).session_id();
  const std::string two = Open(0, 0).session_id();
  v1::Process process;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(TryStart(Keeping(4096), one, "", &process).ok());
    ASSERT_TRUE(TryStart(Keeping(4096), two, "", &process).ok());
  }
  ExpectQuota(TryStart(Keeping(4096), one, "", &process), "server_processes", 4, 4);

  Open(0, 0);
  v1::Session session;
  ExpectQuota(Create({}, &session), "sessions", 3, 3);
}

TEST_F(QuotaE2e, IsShownAsItHolds) {
  const v1::Session open = Open(0, 0);
  EXPECT_EQ(open.quota().max_running_processes(), 3u);
  EXPECT_EQ(open.quota().max_output_bytes(), 1000000u);
  const v1::Session narrow = Open(2, 5000);
  EXPECT_EQ(narrow.quota().max_running_processes(), 2u);
  EXPECT_EQ(narrow.quota().max_output_bytes(), 5000u);
  const v1::Session greedy = Open(1000, 5000000);
  EXPECT_EQ(greedy.quota().max_running_processes(), 3u);
  EXPECT_EQ(greedy.quota().max_output_bytes(), 1000000u);

  v1::GetServerInfoResponse info;
  ASSERT_TRUE(
      Call(*info_, &v1::ServerService::Stub::GetServerInfo, v1::GetServerInfoRequest(), &info)
          .ok());
  EXPECT_EQ(info.limits().max_sessions(), 3u);
  EXPECT_EQ(info.limits().max_processes(), 4u);
  EXPECT_EQ(info.limits().max_processes_per_session(), 3u);
  EXPECT_EQ(info.limits().max_output_bytes_per_session(), 1000000u);
}

}  // namespace
}  // namespace proctor
