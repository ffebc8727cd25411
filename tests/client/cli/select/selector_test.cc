// Verbs that take processes by their labels, or all.
#include <set>

#include "absl/strings/match.h"
#include "tests/client/cli/process_list_fixture.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

using Set = std::multiset<std::string>;

class SelectorTest : public ProcessListFixture {
 protected:
  SelectorTest() {
    Add("run-web", "web");
    Add("run-db", "db");
    Add("end-web", "web");
    End("end-web", ExitCode(3));
    server_.behaviour().stop = [this](const v1::StopProcessRequest& request, auto*) {
      return Note(request.process_id());
    };
    server_.behaviour().signal = [this](const v1::SignalProcessRequest& request, auto*) {
      return Note(request.process_id());
    };
    server_.behaviour().wait = [this](const v1::WaitProcessRequest& request,
                                      v1::WaitProcessResponse* response) {
      *response->mutable_process()->mutable_exit_status() = ExitCode(3);
      return Note(request.process_id());
    };
  }

  grpc::Status Note(const std::string& id) {
    absl::MutexLock lock(&mutex_);
    done_.insert(id);
    return grpc::Status::OK;
  }

  Set Done() {
    absl::MutexLock lock(&mutex_);
    return std::exchange(done_, {});
  }

  absl::Mutex mutex_;
  Set done_;
};

TEST_F(SelectorTest, StopAndKillTakeWhatRuns) {
  for (const char* verb : {"stop", "kill"}) {
    EXPECT_EQ(Run({verb, "-l", "app=web"}), 0) << err_;
    EXPECT_EQ(Done(), Set{"run-web"});
    EXPECT_EQ(Run({verb, "--all"}), 0) << err_;
    EXPECT_EQ(Done(), (Set{"run-web", "run-db"}));
  }
  Edit("end-web", [](v1::Process* process) { process->set_survivors(1); });
  EXPECT_EQ(Run({"kill", "--tree", "--all"}), 0) << err_;
  EXPECT_EQ(Done(), (Set{"run-web", "run-db", "end-web"})) << "what is left of it, too";
}

TEST_F(SelectorTest, AllLabelsMustMatch) {
  Edit("run-web",
       [](v1::Process* process) { (*process->mutable_spec()->mutable_labels())["tier"] = "1"; });
  EXPECT_EQ(Run({"stop", "-l", "app=web", "--label", "tier=1"}), 0) << err_;
  EXPECT_EQ(Done(), Set{"run-web"});
  EXPECT_EQ(Run({"stop", "-l", "app=web", "--label", "tier=2"}), 0);
  EXPECT_EQ(Done(), Set{});
}

TEST_F(SelectorTest, NoneFoundIsNoFailure) {
  for (const char* verb : {"stop", "kill", "wait", "rm"}) {
    EXPECT_EQ(Run({verb, "-l", "app=none"}), 0);
    EXPECT_EQ(err_, std::string("proctor: ") + verb + ": no process matches\n");
    EXPECT_EQ(Run({verb, "-q", "-l", "app=none"}), 0);
    EXPECT_EQ(err_, "");
  }
  EXPECT_EQ(Run({"inspect", "-q", "-l", "app=none"}), 0);
  EXPECT_EQ(out_, "[]\n");
}

TEST_F(SelectorTest, WaitMissesNobodyOfABatch) {
  EXPECT_EQ(Run({"wait", "-l", "app=web"}), 0) << err_;
  EXPECT_EQ(out_, "run-web 3\nend-web 3\n");
  EXPECT_EQ(Done(), (Set{"run-web", "end-web"}));
  EXPECT_EQ(Run({"wait", "-l", "app=db"}), 0) << "the code does not hang on how many there are";
  EXPECT_EQ(out_, "run-db 3\n");
  EXPECT_EQ(Run({"wait", "--all"}), 0) << err_;
  EXPECT_EQ(out_, "run-web 3\nrun-db 3\n") << "what runs now";
}

TEST_F(SelectorTest, RmTakesWhatEnded) {
  EXPECT_EQ(Run({"rm", "-l", "app=web"}), 0) << err_;
  EXPECT_EQ(Ids(), (std::vector<std::string>{"run-web", "run-db"}));
  EXPECT_EQ(Run({"rm", "-f", "-l", "app=web"}), 0) << err_;
  EXPECT_EQ(Ids(), std::vector<std::string>{"run-db"});
}

TEST_F(SelectorTest, RmKeepsWhatMayRunOn) {
  End("run-web", UnknownEnd("SERVER_LOST"));
  EXPECT_EQ(Run({"rm", "--all"}), 0) << err_;
  EXPECT_EQ(Ids(), (std::vector<std::string>{"run-web", "run-db"}));
  EXPECT_TRUE(absl::StrContains(err_, "1 process is kept that may run on")) << err_;
  EXPECT_EQ(Run({"rm", "run-web"}), 0) << "it was named";
  EXPECT_EQ(Ids(), std::vector<std::string>{"run-db"});
}

TEST_F(SelectorTest, NothingHasTwoValuesOfALabel) {
  for (const char* verb : {"stop", "kill", "rm", "wait"}) {
    EXPECT_EQ(Run({verb, "-l", "app=web", "-l", "app=db"}), 125);
    EXPECT_TRUE(absl::StrContains(err_, "label 'app' is asked for twice, as 'web' and as 'db'"))
        << err_;
  }
  EXPECT_EQ(Done(), Set{});
  EXPECT_EQ(Ids().size(), 3u);
  EXPECT_EQ(Run({"stop", "-l", "app=web", "-l", "app=web"}), 0) << "the same one";
}

TEST_F(SelectorTest, OneThatEndedMeanwhileIsNoFailure) {
  server_.behaviour().signal = [](auto&, auto*) {
    return Refusal(grpc::StatusCode::NOT_FOUND, "it has ended", "PROCESS_EXITED");
  };
  EXPECT_EQ(Run({"kill", "-l", "app=web"}), 0);
  EXPECT_EQ(err_, "");
  EXPECT_EQ(Run({"kill", "run-web"}), 125) << "it was named";
}

TEST_F(SelectorTest, TakesIdsOrFlags) {
  const struct {
    std::vector<std::string> arguments;
    std::string words;
  } cases[] = {{{"stop"}, "which processes? Give ids, --label or --all"},
               {{"stop", "--all", "run-web"}, "ids do not go together"},
               {{"rm", "-q", "run-web"}, "-q goes together with --label or --all"},
               {{"stop", "--all", "-l", "a=b"}, "--all and --label exclude each other"},
               {{"stop", "-l", "a"}, "'a' is not of the form KEY=VALUE"}};
  for (const auto& [arguments, words] : cases) {
    EXPECT_EQ(Run(arguments), 125);
    EXPECT_TRUE(absl::StrContains(err_, words)) << err_;
  }
  EXPECT_EQ(Done(), Set{});
}

}  // namespace
}  // namespace proctor::cli
