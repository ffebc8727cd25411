#include "core/process/end_cause.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <string>

namespace proctor {
namespace {

const EndRequest kStop = {ExitCause::kClientSignal, "ann"};
const EndRequest kClose = {ExitCause::kSessionClosed, "bob"};

class EndCauseTest : public testing::Test {
 protected:
  static ExitStatus Killed(int signal) {
    ExitStatus status;
    status.wait.source = StatusSource::kWaited;
    status.wait.signal = signal;
    return status;
  }
  static ExitStatus Exited() { return Killed(0); }
  static ExitStatus Unknown() {
    ExitStatus status;
    status.wait.source = StatusSource::kUnknown;
    return status;
  }

  // The cause and, after a slash, its requester.
  static std::string Text(ExitCause cause, const std::string& by = "") {
    return std::to_string(static_cast<int>(cause)) + "/" + by;
  }
  std::string Of(ExitStatus status, bool oom = false) {
    oom_asked_ = 0;
    cause_.Attribute(status, [&] {
      ++oom_asked_;
      return oom;
    });
    return Text(status.cause, status.requested_by);
  }

  EndCause cause_;
  int oom_asked_ = 0;
};

TEST_F(EndCauseTest, IsTheProcessItselfWhereNobodyAsked) {
  EXPECT_EQ(Of(Exited()), Text(ExitCause::kSelf));
  EXPECT_EQ(Of(Killed(SIGSEGV)), Text(ExitCause::kCrashed));
  EXPECT_EQ(Of(Killed(SIGTERM)), Text(ExitCause::kSelf));
  EXPECT_EQ(Of(Unknown()), Text(ExitCause::kUnknown));
}

TEST_F(EndCauseTest, IsTheFirstRequest) {
  cause_.NoteRequest(kStop, SIGTERM, false);
  cause_.NoteRequest(kClose, SIGTERM, false);
  EXPECT_EQ(cause_.request()->requested_by, "ann");
  EXPECT_EQ(Of(Exited()), Text(ExitCause::kClientSignal, "ann"));
  EXPECT_EQ(Of(Killed(SIGTERM)), Text(ExitCause::kClientSignal, "ann"));
}

TEST_F(EndCauseTest, IsNoRequestThatCameAfterTheEnd) {
  cause_.NoteRequest(kStop, SIGTERM, true);
  cause_.NoteRequest(kStop, SIGKILL, true);
  EXPECT_TRUE(cause_.request().has_value());
  EXPECT_EQ(Of(Exited()), Text(ExitCause::kSelf));
  EXPECT_EQ(Of(Killed(SIGKILL)), Text(ExitCause::kSelf));
}

TEST_F(EndCauseTest, AFriendlyRequestDoesNotExplainASigkill) {
  cause_.NoteRequest(kStop, SIGTERM, false);
  EXPECT_EQ(Of(Killed(SIGKILL)), Text(ExitCause::kSelf));
  cause_.NoteRequest(kStop, SIGKILL, false);
  EXPECT_EQ(Of(Killed(SIGKILL)), Text(ExitCause::kClientSignal, "ann"));
}

TEST_F(EndCauseTest, ASigkillOfARequestDoesNotExplainAnExitCode) {
  cause_.NoteRequest(kClose, SIGKILL, false);
  EXPECT_EQ(Of(Exited()), Text(ExitCause::kSelf));
  EXPECT_EQ(Of(Unknown()), Text(ExitCause::kSessionClosed, "bob"));
}

TEST_F(EndCauseTest, IsTheLastSenderOfTheSignalItDiedOf) {
  cause_.NoteSignal(SIGTERM, "ann");
  cause_.NoteSignal(SIGTERM, "bob");
  cause_.NoteSignal(SIGUSR1, "eve");
  EXPECT_EQ(Of(Killed(SIGTERM)), Text(ExitCause::kClientSignal, "bob"));
  EXPECT_EQ(Of(Exited()), Text(ExitCause::kSelf));
}

TEST_F(EndCauseTest, TheFirstSigkillIsTheOneThatCounts) {
  cause_.NoteSignal(SIGKILL, "eve");
  cause_.NoteRequest(kClose, SIGKILL, false);
  EXPECT_EQ(Of(Killed(SIGKILL)), Text(ExitCause::kClientSignal, "eve"));
}

TEST_F(EndCauseTest, IsWantOfMemoryOnlyWhereNobodyHereSentSigkill) {
  EXPECT_EQ(Of(Killed(SIGKILL), true), Text(ExitCause::kOomKilled));
  EXPECT_EQ(Of(Exited(), true), Text(ExitCause::kSelf));
  EXPECT_EQ(oom_asked_, 0) << "it costs a look at a file";
  cause_.NoteRequest(kStop, SIGKILL, false);
  EXPECT_EQ(Of(Killed(SIGKILL), true), Text(ExitCause::kClientSignal, "ann"));
  EXPECT_EQ(oom_asked_, 0);
}

}  // namespace
}  // namespace proctor
