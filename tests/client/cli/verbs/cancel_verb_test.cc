// cancel: what became of the start.
#include <signal.h>

#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "tests/client/cli/verbs/process_verbs_fixture.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

using CancelVerbTest = ProcessVerbsFixture;

TEST_F(CancelVerbTest, CancelTellsWhatBecameOfTheStart) {
  v1::CancelStartRequest got;
  std::optional<v1::Process> started;
  server_.behaviour().get_session = [](auto&, auto*) { return grpc::Status::OK; };
  server_.behaviour().cancel_start = [&](const v1::CancelStartRequest& request,
                                         v1::CancelStartResponse* response) {
    got = request;
    if (started.has_value()) *response->mutable_process() = *started;
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"cancel", "r1"}), 0) << err_;
  EXPECT_EQ(got.request_id(), "r1");
  EXPECT_EQ(got.session_id(), "");
  EXPECT_EQ(out_, "");
  EXPECT_TRUE(absl::StrContains(err_, "'r1' has started nothing, and never will")) << err_;
  started = MakeProcess();
  EXPECT_EQ(Run({"cancel", "r1", "--session", "s1"}), 0) << err_;
  EXPECT_EQ(got.session_id(), "s1");
  EXPECT_EQ(out_, std::string(kProcessId) + "\n");
  EXPECT_TRUE(absl::StrContains(err_, "which is being killed")) << err_;
  *started->mutable_exit_status() = ExitCode(3);
  EXPECT_EQ(Run({"cancel", "r1"}), 0) << err_;
  EXPECT_EQ(out_, std::string(kProcessId) + "\n");
  EXPECT_TRUE(absl::StrContains(err_, "which had ended before, with code 3\n")) << err_;
  *started->mutable_exit_status() = KilledBy(SIGTERM, "SIGTERM");
  EXPECT_EQ(Run({"cancel", "r1"}), 0) << err_;
  EXPECT_TRUE(absl::StrContains(err_, "which had ended before, by SIGTERM\n")) << err_;
  *started->mutable_exit_status() = UnknownEnd("SERVER_LOST");
  EXPECT_EQ(Run({"cancel", "r1"}), 0) << err_;
  EXPECT_TRUE(absl::StrContains(err_, "nobody knows whether it still runs (SERVER_LOST)")) << err_;
  EXPECT_EQ(Run({"cancel", ""}), 125);
}

}  // namespace
}  // namespace proctor::cli
