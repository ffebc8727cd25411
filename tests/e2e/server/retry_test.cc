#include <set>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "tests/e2e/harness/control.h"

namespace proctor {
namespace {

// A client that lost an answer may repeat its call.
class RetryE2e : public ControlE2e {
 protected:
  // Calls `ask` from many threads at once. Returns all ids that it returned.
  static std::set<std::string> AskAtOnce(int callers, const std::function<std::string()>& ask) {
    absl::Mutex mutex;
    std::set<std::string> ids;
    std::vector<std::thread> threads;
    for (int i = 0; i < callers; ++i) {
      threads.emplace_back([&] {
        const std::string id = ask();
        absl::MutexLock lock(&mutex);
        ids.insert(id);
      });
    }
    for (auto& thread : threads) thread.join();
    return ids;
  }

  int CountStarts() {
    v1::ListProcessesResponse response;
    EXPECT_TRUE(
        Call(*processes_, &Processes::ListProcesses, v1::ListProcessesRequest(), &response).ok());
    return response.processes_size();
  }
};

TEST_F(RetryE2e, FiftyRepetitionsAtOnceStartOneProcess) {
  const auto ids = AskAtOnce(50, [&] {
    v1::Process process;
    EXPECT_TRUE(TryStart(Spec("wait_forever"), "", "r", &process).ok());
    return process.process_id();
  });
  EXPECT_EQ(ids.size(), 1u);
  EXPECT_EQ(CountStarts(), 1);
}

TEST_F(RetryE2e, FiftyRepetitionsAtOnceOpenOneSession) {
  v1::CreateSessionRequest request;
  request.set_request_id("r");
  (*request.mutable_labels())["a"] = "b";
  const auto ids = AskAtOnce(50, [&] {
    v1::Session session;
    EXPECT_TRUE(Create(request, &session).ok());
    return session.session_id();
  });
  EXPECT_EQ(ids.size(), 1u);
  v1::ListSessionsResponse listed;
  ASSERT_TRUE(Call(*sessions_, &Sessions::ListSessions, v1::ListSessionsRequest(), &listed).ok());
  EXPECT_EQ(listed.sessions_size(), 1);

  v1::Session session;
  (*request.mutable_labels())["a"] = "c";
  const grpc::Status other = Create(request, &session);
  EXPECT_EQ(other.error_code(), grpc::ALREADY_EXISTS);
  EXPECT_EQ(Details(other).reason, "REQUEST_ID_REUSED");
  EXPECT_EQ(Details(other).metadata["session_id"], *ids.begin());

  CloseSession(*ids.begin());
  (*request.mutable_labels())["a"] = "b";
  ASSERT_TRUE(Create(request, &session).ok());
  EXPECT_EQ(session.session_id(), *ids.begin());
  EXPECT_EQ(session.state(), v1::SESSION_STATE_CLOSED);
}

TEST_F(RetryE2e, ARequestIdOutlivesItsProcess) {
  v1::Process first;
  ASSERT_TRUE(TryStart(Spec("exit_with", {"3"}), "", "r", &first).ok());
  Wait(first.process_id());
  ASSERT_TRUE(Remove(first.process_id()).ok());
  v1::Process again;
  const grpc::Status status = TryStart(Spec("exit_with", {"3"}), "", "r", &again);
  EXPECT_EQ(status.error_code(), grpc::NOT_FOUND);
  EXPECT_EQ(Details(status).reason, "PROCESS_NOT_FOUND");
  EXPECT_EQ(Details(status).metadata["process_id"], first.process_id());
  EXPECT_EQ(CountStarts(), 0);
}

TEST_F(RetryE2e, ACancelledStartNeverRuns) {
  v1::CancelStartResponse cancelled;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(CancelStart("", "r", &cancelled).ok());
    EXPECT_FALSE(cancelled.has_process());
  }
  v1::Process process;
  grpc::Status status = TryStart(Spec("wait_forever"), "", "r", &process);
  EXPECT_EQ(status.error_code(), grpc::CANCELLED);
  EXPECT_EQ(Details(status).reason, "START_CANCELLED");
  EXPECT_EQ(Details(status).metadata["request_id"], "r");

  grpc::ClientContext context;
  auto stream = processes_->RunProcess(&context);
  v1::RunProcessRequest request;
  request.mutable_start()->set_request_id("r");
  *request.mutable_start()->mutable_spec() = Spec("wait_forever");
  stream->Write(request);
  status = ReadAll<v1::RunProcessResponse>(*stream).status;
  EXPECT_EQ(Details(status).reason, "START_CANCELLED");
  EXPECT_EQ(CountStarts(), 0);
}

TEST_F(RetryE2e, ACancelThatComesTooLateKills) {
  v1::Process process;
  ASSERT_TRUE(TryStart(Spec("wait_forever"), "", "r", &process).ok());
  v1::CancelStartResponse cancelled;
  ASSERT_TRUE(CancelStart("", "r", &cancelled).ok());
  EXPECT_EQ(cancelled.process().process_id(), process.process_id());
  const v1::ExitStatus status = Wait(process.process_id()).exit_status();
  EXPECT_EQ(status.signal_name(), "SIGKILL");
  EXPECT_EQ(status.cause(), v1::EXIT_CAUSE_CLIENT_SIGNAL);
  EXPECT_FALSE(status.requested_by().empty());
  ASSERT_TRUE(CancelStart("", "r", &cancelled).ok());
  EXPECT_EQ(cancelled.process().state(), v1::PROCESS_STATE_DRAINED);
}

TEST_F(RetryE2e, WhatCannotBeCancelled) {
  v1::CancelStartResponse response;
  const auto field = [&](const std::string& request_id) {
    const grpc::Status status = CancelStart("", request_id, &response);
    EXPECT_EQ(status.error_code(), grpc::INVALID_ARGUMENT);
    return Details(status).metadata["field"];
  };
  EXPECT_EQ(field(""), "request_id");
  EXPECT_EQ(field(std::string(129, 'x')), "request_id");
  EXPECT_EQ(Details(CancelStart("nope", "r", &response)).reason, "SESSION_NOT_FOUND");
  v1::CreateSessionRequest request;
  request.set_request_id(std::string(129, 'x'));
  v1::Session session;
  EXPECT_EQ(Details(Create(request, &session)).metadata["field"], "request_id");
}

}  // namespace
}  // namespace proctor
