#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "tests/client/cli/command_fixture.h"
#include "tests/client/terminal_run.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

class StatsVerbTest : public CommandFixture {
 protected:
  StatsVerbTest() {
    server_.behaviour().get = [](const v1::GetProcessRequest& request, auto* response) {
      *response->mutable_process() = MakeProcess(request.process_id());
      return grpc::Status::OK;
    };
    server_.behaviour().list = [](auto&, v1::ListProcessesResponse* response) {
      *response->add_processes() = MakeProcess("aaaa1111aaaa1111");
      *response->add_processes() = MakeProcess("bbbb3333bbbb3333");
      return grpc::Status::OK;
    };
    // The second look is another one only when it is asked for a third time.
    server_.behaviour().usage = [this](const v1::GetProcessUsageRequest& request,
                                       v1::GetProcessUsageResponse* response) {
      asked_.push_back(request);
      const int look = asked_.size() > 2 ? 1 : 0;
      Add("aaaa1111aaaa1111", 100 + 2 * look, 5 + 3 * look, response);
      if (request.process_ids_size() == 0) {
        Add("bbbb3333bbbb3333", 100 + 2 * look, 7 - look, response);
        response->mutable_usages(1)->set_memory_limit_bytes(64 << 20);
      }
      return grpc::Status::OK;
    };
  }

  static void Add(const std::string& id, int clock, int cpu_time,
                  v1::GetProcessUsageResponse* response) {
    v1::ProcessUsage* usage = response->add_usages();
    usage->set_process_id(id);
    usage->mutable_clock()->set_seconds(clock);
    usage->mutable_cpu_time()->set_seconds(cpu_time);
    usage->set_memory_bytes(12900000);
    usage->set_tasks(3);
  }

  std::vector<v1::GetProcessUsageRequest> asked_;
};

TEST_F(StatsVerbTest, ComparesTwoLooksOnceWhereThereIsNoTerminal) {
  EXPECT_EQ(Run({"stats", "-l", "app=web"}), 0) << err_;
  const std::vector<std::string> lines = absl::StrSplit(out_, '\n');
  ASSERT_EQ(lines.size(), 4u) << out_;
  EXPECT_EQ(lines[0], "ID            CPU %  MEM    LIMIT  TASKS  COMMAND");
  EXPECT_EQ(lines[1], "aaaa1111aaaa  150.0  12.3M  -      3      cat");
  EXPECT_EQ(lines[2], "bbbb3333bbbb  0.0    12.3M  64.0M  3      cat") << "a member has gone";
  EXPECT_EQ(asked_.size(), 3u) << "until the look is another one";
  EXPECT_EQ(asked_[0].labels().at("app"), "web");
}

TEST_F(StatsVerbTest, TakesIds) {
  EXPECT_EQ(Run({"stats", "aaaa1111aaaa1111", "bbbb3333bbbb3333", "--no-stream"}), 0) << err_;
  ASSERT_EQ(asked_[0].process_ids_size(), 2);
  EXPECT_EQ(asked_[0].process_ids(1), "bbbb3333bbbb3333");
  EXPECT_TRUE(absl::StrContains(out_, "aaaa1111aaaa  150.0")) << out_;
  EXPECT_TRUE(absl::StrContains(err_, "bbbb3333bbbb: it has ended")) << err_;
}

TEST_F(StatsVerbTest, JsonIsOneLookAndOneObjectALine) {
  EXPECT_EQ(Run({"stats", "--json"}), 0) << err_;
  EXPECT_EQ(asked_.size(), 1u);
  const std::vector<std::string> lines = absl::StrSplit(out_, '\n');
  ASSERT_EQ(lines.size(), 3u) << out_;
  EXPECT_TRUE(absl::StrContains(lines[0], "\"process_id\":\"aaaa1111aaaa1111\"")) << lines[0];
  EXPECT_TRUE(absl::StrContains(lines[0], "\"clock\":\"100s\"")) << lines[0];
}

TEST_F(StatsVerbTest, PaintsAgainOnATerminalUntilCtrlC) {
  absl::Mutex mutex;
  int looks = 0;
  server_.behaviour().usage = [&](auto&, v1::GetProcessUsageResponse* response) {
    absl::MutexLock lock(&mutex);
    ++looks;
    Add("aaaa1111aaaa1111", 100 + looks, 5 * looks * looks, response);
    return grpc::Status::OK;
  };
  TerminalRun run(CommandOptions{WithHost({"stats"}), {"TERM=xterm"}, ""}, 24, 80);
  EXPECT_TRUE(run.Shows("\x1b[2J\x1b[H\x1b[KID            CPU %")) << run.shown();
  EXPECT_TRUE(run.Shows("aaaa1111aaaa  1500.0")) << run.shown();
  EXPECT_TRUE(run.Shows("\x1b[H\x1b[KID            CPU %   MEM    LIMIT  TASKS  COMMAND\r\n"));
  EXPECT_TRUE(run.Shows("aaaa1111aaaa  2500.0")) << run.shown();
  run.Type("\x03");
  EXPECT_EQ(run.Wait(), 130);
}

TEST_F(StatsVerbTest, PrintsOneTableOnADumbTerminal) {
  TerminalRun run(CommandOptions{WithHost({"stats"}), {"TERM=dumb"}, ""}, 24, 80);
  EXPECT_EQ(run.Wait(), 0) << run.shown();
  EXPECT_TRUE(absl::StrContains(run.shown(), "aaaa1111aaaa  150.0")) << run.shown();
  EXPECT_FALSE(absl::StrContains(run.shown(), "\x1b")) << run.shown();
}

TEST_F(StatsVerbTest, NamesHaveAColumnWhereThereAreAny) {
  server_.behaviour().list = [](auto&, v1::ListProcessesResponse* response) {
    *response->add_processes() = MakeProcess("aaaa1111aaaa1111");
    *response->add_processes() = MakeProcess("bbbb3333bbbb3333");
    response->mutable_processes(1)->mutable_spec()->set_name("db");
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"stats"}), 0) << err_;
  EXPECT_TRUE(absl::StartsWith(out_, "ID            NAME  CPU %")) << out_;
  EXPECT_TRUE(absl::StrContains(out_, "\naaaa1111aaaa  -     150.0")) << out_;
  EXPECT_TRUE(absl::StrContains(out_, "\nbbbb3333bbbb  db    0.0")) << out_;
}

TEST_F(StatsVerbTest, ShowsAHeaderWhereNothingRuns) {
  server_.behaviour().usage = [](auto&, auto*) { return grpc::Status::OK; };
  EXPECT_EQ(Run({"stats"}), 0) << err_;
  EXPECT_EQ(out_, "ID  CPU %  MEM  LIMIT  TASKS  COMMAND\n");
}

TEST_F(StatsVerbTest, SaysWhyThereIsNothingToShow) {
  server_.behaviour().usage = [](auto&, auto*) {
    return Refusal(grpc::StatusCode::FAILED_PRECONDITION, "no /proc", "PROC_UNAVAILABLE");
  };
  EXPECT_EQ(Run({"stats"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "no /proc")) << err_;
}

}  // namespace
}  // namespace proctor::cli
