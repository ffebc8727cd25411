// wait: the status that it prints and returns.
#include <signal.h>

#include "absl/strings/match.h"
#include "absl/synchronization/mutex.h"
#include "tests/client/cli/verbs/process_verbs_fixture.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

using WaitVerbTest = ProcessVerbsFixture;

TEST_F(WaitVerbTest, WaitPrintsAndReturnsTheStatus) {
  v1::WaitProcessRequest got;
  server_.behaviour().wait = [&](const v1::WaitProcessRequest& request,
                                 v1::WaitProcessResponse* response) {
    absl::MutexLock lock(&mutex_);
    got = request;
    *response->mutable_process()->mutable_exit_status() =
        request.process_id()[0] == 'a' ? ExitCode(4) : KilledBy(SIGTERM, "SIGTERM");
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"wait", "--drained", "--timeout", "5s", "aaaa1"}), 4) << err_;
  EXPECT_EQ(out_, "4\n");
  EXPECT_EQ(got.until(), v1::WAIT_UNTIL_DRAINED);
  EXPECT_TRUE(got.has_timeout());
  EXPECT_EQ(Run({"wait", "aaaa1", "bbbb"}), 0);
  EXPECT_EQ(out_, "aaaa1 4\nbbbb 143\n") << "of several each has its id, as it was written";
  EXPECT_FALSE(got.has_timeout());
  EXPECT_EQ(got.until(), v1::WAIT_UNTIL_EXITED);
  EXPECT_EQ(Run({"wait", "--until", "tree-empty", "bbbb"}), 143);
  EXPECT_EQ(got.until(), v1::WAIT_UNTIL_TREE_EMPTY);
  EXPECT_EQ(Run({"wait", "--until", "exited", "--drained", "bbbb"}), 125);
  EXPECT_EQ(Run({"wait", "--until", "dead", "bbbb"}), 125);
}

TEST_F(WaitVerbTest, WaitNeverTakesUnknownForSuccess) {
  server_.behaviour().wait = [&](auto&, v1::WaitProcessResponse* response) {
    *response->mutable_process()->mutable_exit_status() = UnknownEnd("SERVER_LOST");
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"wait", "bbbb"}), 125);
  EXPECT_EQ(out_, "?\n");
  EXPECT_TRUE(absl::StrContains(err_, "SERVER_LOST")) << err_;
  server_.behaviour().wait = [&](auto&, auto*) {
    return Refusal(grpc::StatusCode::DEADLINE_EXCEEDED, "still running", "WAIT_TIMEOUT");
  };
  EXPECT_EQ(Run({"wait", "--timeout", "0s", "bbbb"}), 125);
}

}  // namespace
}  // namespace proctor::cli
