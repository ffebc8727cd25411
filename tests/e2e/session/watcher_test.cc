// Each watcher with each loop, in a real server.

#include <signal.h>

#include "absl/strings/str_cat.h"
#include "tests/e2e/harness/e2e_test.h"

namespace proctor {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr int kChildren = 200;
#else
constexpr int kChildren = 2000;
#endif

struct Combination {
  std::string policy;
  std::string watcher;
};

void PrintTo(const Combination& combination, std::ostream* out) {
  *out << combination.watcher << " on " << combination.policy;
}

std::vector<Combination> AllCombinations() {
  std::vector<Combination> all;
  for (const char* policy : {"default", "proactor"}) {
    for (const char* watcher : {"pidfd", "threaded", "multiloop", "safe", "fast", "uring"}) {
      all.push_back({policy, watcher});
    }
  }
  return all;
}

class WatcherE2e : public E2eTest {
 protected:
  WatcherE2e() : E2eTest({"--log-level=warning", "--max-ended-processes=100000"}) {}

  // Opens a session and returns its id. Prints the reason and returns "" when this machine cannot
  // run the combination.
  std::string Open(const Combination& combination) {
    grpc::ClientContext context;
    v1::CreateSessionRequest request;
    request.set_policy(combination.policy);
    request.set_watcher(combination.watcher);
    v1::CreateSessionResponse response;
    const grpc::Status created = sessions_->CreateSession(&context, request, &response);
    if (created.ok()) {
      EXPECT_EQ(response.session().watcher(), combination.watcher);
      EXPECT_EQ(response.session().loop(),
                combination.policy == "default" ? "selector" : "proactor");
      return response.session().session_id();
    }
    EXPECT_THAT((std::vector<std::string>{"WATCHER_UNAVAILABLE", "POLICY_UNAVAILABLE"}),
                testing::Contains(Details(created).reason));
    GTEST_LOG_(INFO) << created.error_message();
    return "";
  }

  grpc::Status SetWatcher(const std::string& session_id, const std::string& watcher,
                          v1::Session* session = nullptr) {
    grpc::ClientContext context;
    v1::SetSessionWatcherRequest request;
    request.set_session_id(session_id);
    request.set_watcher(watcher);
    v1::SetSessionWatcherResponse response;
    const grpc::Status status = sessions_->SetSessionWatcher(&context, request, &response);
    if (session != nullptr) *session = response.session();
    return status;
  }

  void Kill(const std::string& process_id) {
    grpc::ClientContext context;
    v1::SignalProcessRequest request;
    request.set_process_id(process_id);
    request.set_signal("KILL");
    v1::SignalProcessResponse response;
    EXPECT_TRUE(processes_->SignalProcess(&context, request, &response).ok());
  }
};

class CombinationE2e : public WatcherE2e, public testing::WithParamInterface<Combination> {};

INSTANTIATE_TEST_SUITE_P(All, CombinationE2e, testing::ValuesIn(AllCombinations()),
                         [](const auto& info) {
                           return absl::StrCat(info.param.policy, "_", info.param.watcher);
                         });

TEST_P(CombinationE2e, RunsTheSameScenarios) {
  const std::string session = Open(GetParam());
  if (session.empty()) GTEST_SKIP() << "not available here";
  const auto run = [&](const v1::ProcessSpec& spec, const std::string& input) {
    grpc::ClientContext context;
    auto stream = processes_->RunProcess(&context);
    v1::RunProcessRequest request;
    request.mutable_start()->set_session_id(session);
    *request.mutable_start()->mutable_spec() = spec;
    stream->Write(request);
    v1::RunProcessRequest data;
    data.mutable_input()->mutable_stdin()->set_data(input);
    if (!input.empty()) stream->Write(data);
    stream->WritesDone();
    return ReadAll<v1::RunProcessResponse>(*stream);
  };
  // Both streams, and the exit code.
  const Transcript both = run(Shell("echo out; echo err >&2; exit 3"), "");
  EXPECT_EQ(both.out, "out\n");
  EXPECT_EQ(both.err, "err\n");
  EXPECT_EQ(both.exit_status.exit_code(), 3);
  EXPECT_EQ(both.exit_status.watcher(), GetParam().watcher);
  EXPECT_EQ(both.exit_status.source(), v1::STATUS_SOURCE_WAITED);
  EXPECT_TRUE(both.exit_status.has_usage());
  // All of stdin, and back.
  v1::ProcessSpec cat = Shell("exec cat");
  cat.set_stdin_mode(v1::STDIO_MODE_PIPE);
  const std::string input(60000, 'x');
  EXPECT_TRUE(run(cat, input).out == input);
  // A signal.
  EXPECT_EQ(run(Shell("kill -TERM $$"), "").exit_status.signal(), SIGTERM);
  // conformance 107: a grandchild that holds the pipe.
  const Transcript held = run(Shell("sleep 100 & echo hi"), "");
  EXPECT_EQ(held.out, "hi\n");
  EXPECT_EQ(held.drained.reason(), v1::DRAIN_REASON_GRACE_EXPIRED);
  // A spawn that fails.
  grpc::ClientContext context;
  v1::StartProcessRequest missing;
  missing.set_session_id(session);
  missing.mutable_spec()->add_argv("/no/such");
  v1::StartProcessResponse response;
  EXPECT_FALSE(processes_->StartProcess(&context, missing, &response).ok());
  // A process that still runs when its session closes.
  const v1::Process running = Start(Spec("wait_forever"), session);
  grpc::ClientContext closing;
  v1::CloseSessionRequest close;
  close.set_session_id(session);
  v1::CloseSessionResponse closed;
  EXPECT_TRUE(sessions_->CloseSession(&closing, close, &closed).ok());
  EXPECT_EQ(Wait(running.process_id()).exit_status().signal(), SIGKILL);
}

TEST_P(CombinationE2e, ReportsACrowdOnce) {
  const std::string session = Open(GetParam());
  if (session.empty()) GTEST_SKIP() << "not available here";
  ExpectEachExitOnce({session}, kChildren, /*outstanding=*/200);
}

TEST_F(WatcherE2e, SessionsOfAllWatchersAtTheSameTimeTakeNothingFromEachOther) {
  std::vector<std::string> sessions;
  for (const Combination& combination : AllCombinations()) {
    const std::string session = Open(combination);
    if (!session.empty()) sessions.push_back(session);
  }
  ExpectEachExitOnce(sessions, kChildren, /*outstanding=*/400);
}

// Later starts use the new watcher. The old one finishes the processes that it started.
TEST_F(WatcherE2e, AChangedWatcherIsThatOfLaterStarts) {
  const std::string session = Open({"default", "pidfd"});
  if (session.empty()) GTEST_SKIP() << "not available here";
  grpc::ClientContext watching;
  v1::WatchEventsRequest watch;
  watch.mutable_filter()->add_types(v1::EVENT_TYPE_WATCHER_CHANGED);
  auto events = events_->WatchEvents(&watching, watch);
  v1::WatchEventsResponse response;
  ASSERT_TRUE(events->Read(&response));

  std::vector<std::pair<std::string, std::string>> running;  // process and watcher
  running.emplace_back(Start(Spec("wait_forever"), session).process_id(), "pidfd");
  for (const char* watcher : {"fast", "threaded", "safe", "multiloop", "uring", "pidfd"}) {
    v1::Session changed;
    const grpc::Status status = SetWatcher(session, watcher, &changed);
    if (Details(status).reason == "WATCHER_UNAVAILABLE") {
      GTEST_LOG_(INFO) << status.error_message();
      continue;
    }
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(changed.watcher(), watcher);
    ASSERT_TRUE(events->Read(&response));
    EXPECT_EQ(response.event().watcher_changed().from(), running.back().second);
    EXPECT_EQ(response.event().watcher_changed().to(), watcher);
    running.emplace_back(Start(Spec("wait_forever"), session).process_id(), watcher);
  }
  watching.TryCancel();
  for (const auto& [process, watcher] : running) {
    Kill(process);
    const v1::Process ended = AwaitReaped(process);
    EXPECT_EQ(ended.exit_status().watcher(), watcher);
    EXPECT_EQ(ended.exit_status().signal(), SIGKILL) << watcher;
    EXPECT_EQ(ended.exit_status().source(), v1::STATUS_SOURCE_WAITED) << watcher;
  }
  EXPECT_EQ(server_.CountChildren(), 0u);
}

TEST_F(WatcherE2e, AWatcherThatIsNotThereIsRefusedWithItsField) {
  const std::string session = Open({"default", "threaded"});
  EXPECT_EQ(Details(SetWatcher(session, "nope")).metadata["field"], "watcher");
  EXPECT_EQ(Details(SetWatcher(session, "")).metadata["field"], "watcher");
  EXPECT_EQ(Details(SetWatcher("nope", "pidfd")).reason, "SESSION_NOT_FOUND");
  EXPECT_EQ(Wait(Start(Spec("exit_with", {"1"}), session).process_id()).exit_status().watcher(),
            "threaded");
}

class FlagsE2e : public E2eTest {
 protected:
  FlagsE2e() : E2eTest({"--policy=proactor", "--watcher=safe"}) {}
};

TEST_F(FlagsE2e, SessionsThatNameNoneUseTheServersPolicyAndWatcher) {
  grpc::ClientContext context;
  v1::GetServerInfoResponse info;
  ASSERT_TRUE(info_->GetServerInfo(&context, {}, &info).ok());
  EXPECT_EQ(info.policy(), "proactor");
  EXPECT_EQ(info.watcher(), "safe");
  EXPECT_EQ(info.watchers_size(), 6);
  const v1::Process ended = Wait(Start(Spec("exit_with", {"4"})).process_id());
  EXPECT_EQ(ended.exit_status().watcher(), "safe");
  EXPECT_EQ(ended.exit_status().exit_code(), 4);
}

}  // namespace
}  // namespace proctor
