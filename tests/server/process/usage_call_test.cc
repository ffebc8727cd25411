#include "server/process/usage_call.h"

#include <gmock/gmock.h>
#include <grpcpp/test/default_reactor_test_peer.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/core/session/session_fixture.h"
#include "tests/server/error_reason.h"

namespace proctor::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::Duration kNow = absl::Seconds(7);

// Calls of GetProcessUsage without a gRPC server, about real processes that have no control group.
class UsageCallTest : public SessionTest {
 protected:
  struct Answered {
    grpc::Status status;
    v1::GetProcessUsageResponse response;

    std::vector<std::string> ids() const {
      std::vector<std::string> ids;
      for (const auto& usage : response.usages()) ids.push_back(usage.process_id());
      return ids;
    }
  };

  // Asks; with `meanwhile`, does that after the call has chosen the processes and before it looks
  // at them.
  Answered Ask(const v1::GetProcessUsageRequest& request,
               const std::function<void()>& meanwhile = nullptr) {
    absl::Notification go_on, finished;
    // All samplers have one thread.
    UsageSampler other(trees_);
    if (meanwhile) {
      EXPECT_TRUE(other.Look({}, [&](const auto&) { go_on.WaitForNotification(); }).ok());
    }
    Answered answered;
    grpc::CallbackServerContext context;
    grpc::testing::DefaultReactorTestPeer peer(&context, [&](grpc::Status status) {
      answered.status = std::move(status);
      finished.Notify();
    });
    AnswerUsage(registry_.get(), &sampler_, &context, &request, &answered.response);
    if (meanwhile) {
      meanwhile();
      go_on.Notify();
    }
    finished.WaitForNotification();
    while (!peer.test_status_set()) std::this_thread::yield();  // its last touch of the context
    return answered;
  }

  std::string StartWith(const std::shared_ptr<SessionContext>& session, const std::string& name,
                        const std::string& colour = "") {
    Command command = MakeCommand("wait_forever");
    command.name = name;
    if (!colour.empty()) command.labels["colour"] = colour;
    const auto started = Start(session, command);
    EXPECT_TRUE(started.ok()) << started.status();
    return started.ok() ? started->id : "";
  }

  void End(const std::string& process_id) {
    ::kill(Published(process_id).pid, SIGKILL);
    AwaitExit(process_id);
  }

  static v1::GetProcessUsageRequest Of(const std::vector<std::string>& processes) {
    v1::GetProcessUsageRequest request;
    for (const std::string& process : processes) request.add_process_ids(process);
    return request;
  }

  const std::shared_ptr<ProcessTrees> trees_ = *ProcessTrees::Open("none");
  // Time stands still: a look holds until the end of the test.
  UsageSampler sampler_{trees_, {.now = [] { return kNow; }}};
};

TEST_F(UsageCallTest, MeasuresAProcessByAWalk) {
  const std::string id = StartWith(Open(), "");
  const absl::Time before = absl::Now();
  const Answered answered = Ask({});
  ASSERT_TRUE(answered.status.ok()) << answered.status.error_message();
  ASSERT_THAT(answered.ids(), ElementsAre(id));
  const v1::ProcessUsage& usage = answered.response.usages(0);
  EXPECT_EQ(usage.source(), v1::USAGE_SOURCE_TREE);
  EXPECT_EQ(usage.tasks(), 1u);
  EXPECT_GT(usage.memory_bytes(), 0u);
  EXPECT_EQ(usage.clock().seconds(), 7);
  EXPECT_TRUE(usage.has_cpu_time());
  EXPECT_FALSE(usage.has_memory_limit_bytes()) << "it has none";
  EXPECT_GE(answered.response.time().seconds(), absl::ToUnixSeconds(before));
  EXPECT_EQ(answered.response.next_page_token(), "");
}

TEST_F(UsageCallTest, LeavesOutWhatHasEnded) {
  const auto session = Open();
  const std::string ended = StartWith(session, "");
  const std::string runs = StartWith(session, "");
  End(ended);
  v1::GetProcessUsageRequest request;
  request.set_page_size(1);
  EXPECT_THAT(Ask(request).ids(), ElementsAre(runs)) << "it takes no place in a page";
  const Answered named = Ask(Of({ended}));
  EXPECT_TRUE(named.status.ok()) << named.status.error_message();
  EXPECT_THAT(named.ids(), ElementsAre());
}

// Its pid may be another process's by then.
TEST_F(UsageCallTest, LeavesOutWhatEndsBeforeTheLook) {
  const auto session = Open();
  const std::string ends = StartWith(session, "");
  const std::string goes = StartWith(session, "");
  const std::string runs = StartWith(session, "");
  (void)Ask({});  // the look that is good for the next call, too
  const Answered answered = Ask({}, [&] {
    End(ends);
    End(goes);
    EXPECT_TRUE(Call(session, [&] {
                  return session->RemoveProcess(goes, RemovalReason::kClientRequest);
                }).ok());
  });
  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  EXPECT_THAT(answered.ids(), ElementsAre(runs));
}

TEST_F(UsageCallTest, FindsProcessesByIdAndByName) {
  const auto session = Open();
  const std::string one = StartWith(session, "web");
  const std::string two = StartWith(session, "db");
  StartWith(session, "");
  EXPECT_THAT(Ask(Of({two, "web"})).ids(), ElementsAre(one, two));
}

TEST_F(UsageCallTest, ChoosesBySessionAndLabels) {
  const auto session = Open();
  const std::string red = StartWith(session, "", "red");
  const std::string blue = StartWith(session, "", "blue");
  const std::string other = StartWith(Open(), "", "red");
  v1::GetProcessUsageRequest request;
  (*request.mutable_labels())["colour"] = "red";
  EXPECT_THAT(Ask(request).ids(), ElementsAre(red, other));
  request.set_session_id(session->id());
  EXPECT_THAT(Ask(request).ids(), ElementsAre(red));
  request.clear_labels();
  EXPECT_THAT(Ask(request).ids(), ElementsAre(red, blue));
}

TEST_F(UsageCallTest, GoesPageByPage) {
  const auto session = Open();
  const std::string one = StartWith(session, "");
  const std::string two = StartWith(session, "");
  const std::string three = StartWith(session, "");
  v1::GetProcessUsageRequest request;
  request.set_page_size(2);
  const Answered first = Ask(request);
  EXPECT_THAT(first.ids(), ElementsAre(one, two));
  ASSERT_NE(first.response.next_page_token(), "");
  request.set_page_token(first.response.next_page_token());
  End(two);  // the place of a page does not depend on what is before it
  const Answered last = Ask(request);
  EXPECT_THAT(last.ids(), ElementsAre(three));
  EXPECT_EQ(last.response.next_page_token(), "");
}

TEST_F(UsageCallTest, RefusesWhatIsNotThere) {
  StartWith(Open(), "");
  EXPECT_EQ(ReasonIn(Ask(Of({"nobody"})).status), "PROCESS_NOT_FOUND");
  v1::GetProcessUsageRequest request;
  request.set_session_id("nowhere");
  EXPECT_EQ(ReasonIn(Ask(request).status), "SESSION_NOT_FOUND");
  request.Clear();
  request.set_page_size(-1);
  const grpc::Status refused = Ask(request).status;
  EXPECT_EQ(ReasonIn(refused), "INVALID_FIELD");
  EXPECT_THAT(refused.error_message(), HasSubstr("page_size"));
}

}  // namespace
}  // namespace proctor::server
