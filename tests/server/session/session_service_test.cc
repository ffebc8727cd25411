#include "server/session/session_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/debugger.h"
#include "tests/server/service_fixture.h"

namespace proctor::server {
namespace {

using Sessions = v1::SessionService::Stub;
using Async = v1::SessionService::StubInterface::async_interface;
using testing::ElementsAre;
using testing::HasSubstr;

class SessionServiceTest : public ServiceTest {
 protected:
  using CloseCall = Pending<v1::CloseSessionRequest, v1::CloseSessionResponse>;

  template <typename Request, typename Response>
  void ExpectInvalid(grpc::Status (Sessions::*method)(grpc::ClientContext*, const Request&,
                                                      Response*),
                     const Request& request, const std::string& field) {
    Response response;
    const grpc::Status status = Ask(*sessions_, method, request, &response);
    EXPECT_EQ(ReasonIn(status), "INVALID_FIELD") << field;
    EXPECT_THAT(status.error_message(), HasSubstr(field));
  }

  // Begins to close a session, and returns when it is closing.
  void BeginClose(const std::shared_ptr<SessionContext>& session, CloseCall& call) {
    call.request.set_session_id(session->id());
    Begin<Async>(sessions_->async(), call, &Async::CloseSession);
    while (session->Info().state == SessionState::kOpen) std::this_thread::yield();
    Call(session, [] { return true; });  // the turn of the close is over
  }

  std::vector<std::string> List(const v1::ListSessionsRequest& request, std::string* next) {
    v1::ListSessionsResponse response;
    const grpc::Status status = Ask(*sessions_, &Sessions::ListSessions, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    std::vector<std::string> ids;
    for (const auto& session : response.sessions()) ids.push_back(session.session_id());
    *next = response.next_page_token();
    return ids;
  }
};

TEST_F(SessionServiceTest, RefusesRequestsThatAreNone) {
  v1::CloseSessionRequest close;
  ExpectInvalid(&Sessions::CloseSession, close, "session_id");
  close.set_session_id("s");
  close.set_mode(static_cast<v1::CloseMode>(99));
  ExpectInvalid(&Sessions::CloseSession, close, "mode");
  close.set_mode(v1::CLOSE_MODE_STOP);
  close.mutable_stop_policy()->set_signal("SIGNONE");
  ExpectInvalid(&Sessions::CloseSession, close, "stop_policy");
  v1::SetSessionWatcherRequest watcher;
  ExpectInvalid(&Sessions::SetSessionWatcher, watcher, "watcher");
  v1::CreateSessionRequest create;
  create.set_request_id(std::string(129, 'r'));
  ExpectInvalid(&Sessions::CreateSession, create, "request_id");
  EXPECT_EQ(registry_->open_sessions(), 0u);
}

TEST_F(SessionServiceTest, ACloseEndsWhenEveryProcessHas) {
  const auto session = Open();
  ASSERT_TRUE(Start(session, MakeCommand("wait_forever")).ok());
  CloseCall call;
  call.request.set_session_id(session->id());
  Begin<Async>(sessions_->async(), call, &Async::CloseSession);
  EXPECT_TRUE(call.Await().ok()) << call.status.error_message();
  EXPECT_EQ(call.response.session().state(), v1::SESSION_STATE_CLOSED);
}

// Ten seconds after SIGKILL.
TEST_F(SessionServiceTest, ACloseGivesUpOnWhatCannotBeKilledAndSaysWhat) {
  const auto session = Open();
  const auto held = Start(session, MakeCommand("wait_forever"));
  CloseCall call;
  {
    const Debugger debugger(held->pid);
    BeginClose(session, call);
    Advance(session, absl::Seconds(9));
    EXPECT_FALSE(call.answered.HasBeenNotified());
    Advance(session, absl::Seconds(1));
    EXPECT_EQ(call.Await().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
    EXPECT_EQ(ReasonIn(call.status), "CLOSE_TIMEOUT");
    EXPECT_THAT(call.status.error_message(), HasSubstr(held->id));
    EXPECT_EQ(session->Info().state, SessionState::kClosing);
  }
  AwaitClosed(session->id());
}

TEST_F(SessionServiceTest, AStoppingCloseHasTheLongestGraceOfAllMore) {
  const auto session = Open();
  Command slow = MakeCommand("ignore_term");
  slow.stop_policy.grace = absl::Seconds(20);
  const auto held = Start(session, slow);
  slow.stop_policy.grace = absl::Seconds(5);
  ASSERT_TRUE(Start(session, slow).ok());
  CloseCall call;
  call.request.set_mode(v1::CLOSE_MODE_STOP);
  {
    const Debugger debugger(held->pid);
    BeginClose(session, call);
    Advance(session, absl::Seconds(20));
    Advance(session, absl::Seconds(9));
    EXPECT_FALSE(call.answered.HasBeenNotified());
  }
  EXPECT_TRUE(call.Await().ok()) << call.status.error_message();  // nothing holds it any more
}

TEST_F(SessionServiceTest, ACloseIsPatientAsLongAsSomeEnd) {
  const auto session = Open();
  const auto held = Start(session, MakeCommand("wait_forever"));
  const auto free = Start(session, MakeCommand("wait_forever"));
  CloseCall call;
  {
    const Debugger debugger(held->pid);
    BeginClose(session, call);
    AwaitExit(free->id);
    Advance(session, absl::Seconds(10));  // one of two is left
    Advance(session, absl::Seconds(9));
    EXPECT_FALSE(call.answered.HasBeenNotified());
    Advance(session, absl::Seconds(1));
    EXPECT_EQ(ReasonIn(call.Await()), "CLOSE_TIMEOUT");
  }
  AwaitClosed(session->id());
}

TEST_F(SessionServiceTest, ACloseGoesOnWithoutItsCaller) {
  const auto session = Open();
  const auto held = Start(session, MakeCommand("wait_forever"));
  CloseCall call;
  {
    const Debugger debugger(held->pid);
    BeginClose(session, call);
    call.context.TryCancel();
    EXPECT_EQ(call.Await().error_code(), grpc::StatusCode::CANCELLED);
    EXPECT_EQ(session->Info().state, SessionState::kClosing);
  }
  AwaitClosed(session->id());
}

TEST_F(SessionServiceTest, ARenewedLeaseRunsOutLater) {
  const auto session = Open({.lease = absl::Seconds(10)});
  v1::RenewSessionRequest request;
  request.set_session_id(session->id());
  v1::RenewSessionResponse response;
  for (int i = 0; i < 3; ++i) {
    Advance(session, absl::Seconds(9));
    const grpc::Status renewed = Ask(*sessions_, &Sessions::RenewSession, request, &response);
    EXPECT_TRUE(renewed.ok()) << renewed.error_message();
  }
  EXPECT_EQ(response.session().state(), v1::SESSION_STATE_OPEN);
  Advance(session, absl::Seconds(9));
  EXPECT_EQ(session->Info().state, SessionState::kOpen);
  Advance(session, absl::Seconds(1));
  EXPECT_EQ(AwaitClosed(session->id()), CloseReason::kLeaseExpired);
}

TEST_F(SessionServiceTest, AClosedSessionIsClosedAgain) {
  const auto session = Open();
  Close(session->id());
  CloseCall call;
  call.request.set_session_id(session->id());
  Begin<Async>(sessions_->async(), call, &Async::CloseSession);
  EXPECT_TRUE(call.Await().ok());
  EXPECT_EQ(call.response.session().state(), v1::SESSION_STATE_CLOSED);
}

TEST_F(SessionServiceTest, ListsPageByPageWhatMatches) {
  SessionOptions red;
  red.labels["colour"] = "red";
  const std::string one = Open(red)->id();
  const std::string two = Open()->id();
  const std::string three = Open(red)->id();
  std::string next;
  v1::ListSessionsRequest request;
  request.set_page_size(2);
  EXPECT_THAT(List(request, &next), ElementsAre(one, two));
  request.set_page_token(next);
  EXPECT_THAT(List(request, &next), ElementsAre(three));
  EXPECT_EQ(next, "");
  request.clear_page_token();
  (*request.mutable_labels())["colour"] = "red";
  EXPECT_THAT(List(request, &next), ElementsAre(one, three));
  Close(one);
  EXPECT_THAT(List(request, &next), ElementsAre(three));
  request.set_include_closed(true);
  EXPECT_THAT(List(request, &next), ElementsAre(one, three));
}

TEST_F(SessionServiceTest, ARequestIdOpensOneSession) {
  v1::CreateSessionRequest request;
  request.set_request_id("once");
  v1::CreateSessionResponse first, second;
  EXPECT_TRUE(Ask(*sessions_, &Sessions::CreateSession, request, &first).ok());
  EXPECT_TRUE(Ask(*sessions_, &Sessions::CreateSession, request, &second).ok());
  EXPECT_EQ(first.session().session_id(), second.session().session_id());
  EXPECT_EQ(registry_->open_sessions(), 1u);
}

}  // namespace
}  // namespace proctor::server
