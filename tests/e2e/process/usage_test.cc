#include "absl/time/clock.h"
#include "tests/e2e/harness/control.h"

namespace proctor {
namespace {

class UsageE2e : public ControlE2e {
 protected:
  grpc::Status TryUsage(const v1::GetProcessUsageRequest& request,
                        v1::GetProcessUsageResponse* response) {
    return Call(*processes_, &Processes::GetProcessUsage, request, response);
  }
  v1::GetProcessUsageResponse Usage(const v1::GetProcessUsageRequest& request = {}) {
    v1::GetProcessUsageResponse response;
    const grpc::Status status = TryUsage(request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  // Asks until `wanted` accepts the usage of a process. The server measures once a second at most.
  v1::ProcessUsage AwaitUsage(const std::string& process_id,
                              const std::function<bool(const v1::ProcessUsage&)>& wanted) {
    v1::GetProcessUsageRequest request;
    request.add_process_ids(process_id);
    const absl::Time deadline = absl::Now() + absl::Minutes(2);
    for (v1::GetProcessUsageResponse response;; absl::SleepFor(absl::Milliseconds(20))) {
      // No event tells of a new measurement.
      response = Usage(request);
      if (response.usages_size() == 0) {
        ADD_FAILURE() << process_id << " does not run";
        return {};
      }
      if (wanted(response.usages(0))) return response.usages(0);
      if (absl::Now() > deadline) {
        ADD_FAILURE() << "not as wanted in two minutes: " << response.usages(0).DebugString();
        return {};
      }
    }
  }
};

TEST_F(UsageE2e, TellsOfAProcessAndItsDescendants) {
  // The shell sleeps, but its child works.
  const v1::Process process = Start(Shell("while :; do :; done & wait"));
  const auto seconds = [](const google::protobuf::Duration& time) {
    return static_cast<double>(time.seconds()) + time.nanos() * 1e-9;
  };
  const v1::ProcessUsage first = AwaitUsage(process.process_id(), [&](const auto& usage) {
    return seconds(usage.cpu_time()) > 0 && usage.tasks() >= 2;
  });
  EXPECT_EQ(first.process_id(), process.process_id());
  EXPECT_GT(first.memory_bytes(), 0u);
  EXPECT_NE(first.source(), v1::USAGE_SOURCE_UNSPECIFIED);
  const v1::ProcessUsage later = AwaitUsage(process.process_id(), [&](const auto& usage) {
    return seconds(usage.clock()) > seconds(first.clock());
  });
  EXPECT_GE(seconds(later.cpu_time()), seconds(first.cpu_time()));
}

TEST_F(UsageE2e, TellsOfWhatRunsAlone) {
  const v1::Process running = Start(Spec("wait_forever"));
  const v1::Process ended = Start(Spec("exit_with", {"0"}));
  Wait(ended.process_id());
  const auto all = Usage();
  ASSERT_EQ(all.usages_size(), 1);
  EXPECT_EQ(all.usages(0).process_id(), running.process_id());
  EXPECT_TRUE(all.has_time());
  v1::GetProcessUsageRequest request;
  request.add_process_ids(ended.process_id());
  EXPECT_EQ(Usage(request).usages_size(), 0);
  request.add_process_ids("nope");
  v1::GetProcessUsageResponse response;
  EXPECT_EQ(Details(TryUsage(request, &response)).reason, "PROCESS_NOT_FOUND");
}

TEST_F(UsageE2e, TakesFiltersAndPages) {
  v1::ProcessSpec spec = Spec("wait_forever");
  const v1::Process plain = Start(spec);
  (*spec.mutable_labels())["app"] = "web";
  std::vector<std::string> web;
  for (int i = 0; i < 3; ++i) web.push_back(Start(spec).process_id());
  v1::GetProcessUsageRequest request;
  (*request.mutable_labels())["app"] = "web";
  request.set_page_size(2);
  const auto first = Usage(request);
  ASSERT_EQ(first.usages_size(), 2);
  EXPECT_EQ(first.usages(0).process_id(), web[0]);
  request.set_page_token(first.next_page_token());
  const auto second = Usage(request);
  ASSERT_EQ(second.usages_size(), 1);
  EXPECT_EQ(second.usages(0).process_id(), web[2]);
  EXPECT_EQ(second.next_page_token(), "");
  (*request.mutable_labels())["app"] = "db";
  v1::GetProcessUsageResponse response;
  EXPECT_EQ(Details(TryUsage(request, &response)).metadata["field"], "page_token");
  request.Clear();
  request.set_session_id(plain.session_id());
  EXPECT_EQ(Usage(request).usages_size(), 4);
  request.set_session_id("nope");
  EXPECT_EQ(Details(TryUsage(request, &response)).reason, "SESSION_NOT_FOUND");
}

}  // namespace
}  // namespace proctor
