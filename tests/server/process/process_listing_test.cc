#include "server/process/process_listing.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proctor/error.h"
#include "tests/core/session/session_fixture.h"

namespace proctor::server {
namespace {

class ProcessListingTest : public SessionTest {
 protected:
  // A process that has ended, of its session.
  std::string Run(const std::shared_ptr<SessionContext>& session, const std::string& label = "") {
    Command command = MakeCommand("exit_with");
    if (!label.empty()) command.labels["kind"] = label;
    const auto started = Start(session, command);
    EXPECT_TRUE(started.ok()) << started.status();
    AwaitExit(started->id);
    return started->id;
  }

  v1::ListProcessesResponse List(const v1::ListProcessesRequest& request) {
    v1::ListProcessesResponse response;
    const absl::Status status = ListProcesses(registry_.get(), request, &response);
    EXPECT_TRUE(status.ok()) << status;
    return response;
  }

  static std::vector<std::string> Ids(const v1::ListProcessesResponse& response) {
    std::vector<std::string> ids;
    for (const auto& process : response.processes()) ids.push_back(process.process_id());
    return ids;
  }

  using Expected = std::vector<std::string>;
};

TEST_F(ProcessListingTest, GoesThroughAllInTheirOrderPageByPage) {
  const auto session = Open();
  Expected started;
  for (int i = 0; i < 5; ++i) started.push_back(Run(session));
  v1::ListProcessesRequest request;
  request.set_page_size(2);
  Expected listed;
  std::vector<int> sizes;
  do {
    const auto page = List(request);
    for (const std::string& id : Ids(page)) listed.push_back(id);
    sizes.push_back(page.processes_size());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(listed, started);
  EXPECT_EQ(sizes, (std::vector<int>{2, 2, 1}));
}

TEST_F(ProcessListingTest, AFullLastPageHasNoNext) {
  const auto session = Open();
  Run(session);
  Run(session);
  v1::ListProcessesRequest request;
  request.set_page_size(2);
  EXPECT_EQ(List(request).next_page_token(), "");
}

TEST_F(ProcessListingTest, HasWhatMatchesTheSessionTheStateAndAllLabels) {
  const auto one = Open();
  const auto two = Open();
  const std::string red = Run(one, "red");
  const std::string blue = Run(one, "blue");
  const std::string other = Run(two, "red");
  const auto running = Start(two, MakeCommand("wait_forever"));
  v1::ListProcessesRequest request;
  EXPECT_EQ(Ids(List(request)), (Expected{red, blue, other, running->id}));
  request.set_session_id(one->id());
  EXPECT_EQ(Ids(List(request)), (Expected{red, blue}));
  (*request.mutable_labels())["kind"] = "red";
  EXPECT_EQ(Ids(List(request)), (Expected{red}));
  (*request.mutable_labels())["more"] = "";
  EXPECT_EQ(Ids(List(request)), Expected{});
  v1::ListProcessesRequest state;
  state.add_states(v1::PROCESS_STATE_RUNNING);
  EXPECT_EQ(Ids(List(state)), (Expected{running->id}));
  state.add_states(v1::PROCESS_STATE_DRAINED);
  EXPECT_EQ(Ids(List(state)).size(), 4u);
}

TEST_F(ProcessListingTest, SaysWhereOutputIs) {
  const auto session = Open();
  Run(session);
  EXPECT_EQ(List({}).processes(0).output_place(), v1::OUTPUT_PLACE_MEMORY);
  Close(session->id());
  EXPECT_EQ(List({}).processes(0).output_place(), v1::OUTPUT_PLACE_GONE);
}

TEST_F(ProcessListingTest, OfASessionThatIsNotThereIsNone) {
  v1::ListProcessesRequest request;
  request.set_session_id("nobody");
  v1::ListProcessesResponse response;
  EXPECT_EQ(ListProcesses(registry_.get(), request, &response).code(), absl::StatusCode::kNotFound);
}

TEST_F(ProcessListingTest, ATokenIsOfItsListOnly) {
  const auto session = Open();
  Run(session);
  Run(session);
  v1::ListProcessesRequest request;
  request.set_page_size(1);
  request.set_page_token(List(request).next_page_token());
  EXPECT_EQ(List(request).processes_size(), 1);
  request.set_session_id(session->id());
  v1::ListProcessesResponse response;
  EXPECT_EQ(ListProcesses(registry_.get(), request, &response).code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace proctor::server
