#include "absl/strings/match.h"
#include "tests/client/cli/command_fixture.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

class DashboardVerbTest : public CommandFixture {
 protected:
  DashboardVerbTest() {
    server_.behaviour().dashboard_link = [](auto&, v1::CreateDashboardLinkResponse* response) {
      response->set_url("http://127.0.0.1:7878/#code=c0de");
      response->set_code("c0de");
      return grpc::Status::OK;
    };
  }
};

TEST_F(DashboardVerbTest, PrintsTheLink) {
  EXPECT_EQ(Run({"dashboard"}), 0) << err_;
  EXPECT_EQ(out_, "http://127.0.0.1:7878/#code=c0de\n");
  EXPECT_EQ(Run({"dashboard", "--json"}), 0) << err_;
  EXPECT_TRUE(absl::StrContains(out_, "\"code\":\"c0de\"")) << out_;
}

TEST_F(DashboardVerbTest, PrintsTheLinkToWhereTheBrowserComes) {
  for (const char* at : {"https://proctor.example", "https://proctor.example/"}) {
    EXPECT_EQ(Run({"dashboard", "--at", at}), 0) << err_;
    EXPECT_EQ(out_, "https://proctor.example/#code=c0de\n");
  }
  for (const char* at :
       {"proctor.example", "ftp://proctor.example", "http://a/#b", "http://a/?b"}) {
    EXPECT_EQ(Run({"dashboard", "--at", at}), 125) << at;
    EXPECT_TRUE(absl::StrContains(err_, "--at")) << err_;
  }
}

TEST_F(DashboardVerbTest, SignsInToLookOnlyOnRequest) {
  std::vector<bool> asked;
  server_.behaviour().dashboard_link = [&asked](const v1::CreateDashboardLinkRequest& request,
                                                auto*) {
    asked.push_back(request.look_only());
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"dashboard"}), 0) << err_;
  EXPECT_EQ(Run({"dashboard", "--look-only"}), 0) << err_;
  EXPECT_EQ(asked, (std::vector<bool>{false, true}));
}

TEST_F(DashboardVerbTest, SaysThatThereIsNone) {
  server_.behaviour().dashboard_link = [](auto&, auto*) {
    return Refusal(grpc::StatusCode::FAILED_PRECONDITION, "this server has no dashboard",
                   "NO_DASHBOARD");
  };
  EXPECT_EQ(Run({"dashboard"}), 125);
  EXPECT_EQ(out_, "");
  EXPECT_TRUE(absl::StrContains(err_, "this server has no dashboard")) << err_;
}

}  // namespace
}  // namespace proctor::cli
