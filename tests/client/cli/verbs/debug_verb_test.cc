#include "absl/strings/match.h"
#include "tests/client/cli/command_fixture.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

class DebugVerbTest : public CommandFixture {
 protected:
  DebugVerbTest() {
    server_.behaviour().dump_state = [this](const v1::DumpStateRequest& request,
                                            v1::DumpStateResponse* response) {
      asked_.push_back(request.session_id());
      v1::StateSection* main = response->add_sections();
      main->set_name("main");
      main->set_text("a loop\nlistener \x1b[2J\n");
      v1::StateSection* session = response->add_sections();
      session->set_name("session 0123456789");
      session->set_text("does not answer\n");
      session->set_silent(true);
      response->set_omitted_sections(omitted_);
      return grpc::Status::OK;
    };
    server_.behaviour().get_session = [](const v1::GetSessionRequest&, auto*) {
      return grpc::Status(grpc::StatusCode::NOT_FOUND, "no such session");
    };
    server_.behaviour().list_sessions = [](const auto&, v1::ListSessionsResponse* response) {
      response->add_sessions()->set_session_id("0123456789");
      return grpc::Status::OK;
    };
  }

  uint64_t omitted_ = 0;
  std::vector<std::string> asked_;
};

TEST_F(DebugVerbTest, PrintsEachSectionWithItsLinesBelow) {
  EXPECT_EQ(Run({"debug"}), 0) << err_;
  EXPECT_EQ(out_,
            "main\n  a loop\n  listener \\x1b[2J\nsession 0123456789 (silent)\n"
            "  does not answer\n");
  EXPECT_EQ(err_, "");
  EXPECT_EQ(asked_, std::vector<std::string>({""}));
}

TEST_F(DebugVerbTest, AsksForOneSession) {
  EXPECT_EQ(Run({"debug", "0123"}), 0) << err_;
  EXPECT_EQ(asked_, std::vector<std::string>({"0123456789"}));
  EXPECT_EQ(Run({"debug", "abc"}), 125);
  EXPECT_EQ(asked_.size(), 1u);
  EXPECT_EQ(Run({"debug", "one", "two"}), 125);
}

TEST_F(DebugVerbTest, SaysWhatHadNoRoom) {
  omitted_ = 7;
  EXPECT_EQ(Run({"debug"}), 0);
  EXPECT_TRUE(absl::StrContains(err_, "7 sections had no room")) << err_;
}

TEST_F(DebugVerbTest, PrintsOneJsonObject) {
  EXPECT_EQ(Run({"debug", "--json"}), 0) << err_;
  EXPECT_TRUE(absl::StrContains(out_, "\"silent\":true")) << out_;
  EXPECT_EQ(out_.find('\n'), out_.size() - 1);
}

}  // namespace
}  // namespace proctor::cli
