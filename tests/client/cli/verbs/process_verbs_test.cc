// kill, stop, update, inspect, rm, and the ids that they take.
#include <signal.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "tests/client/cli/verbs/process_verbs_fixture.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

using ProcessVerbsTest = ProcessVerbsFixture;

TEST_F(ProcessVerbsTest, KillSendsToWholeIdsAndPrefixes) {
  EXPECT_EQ(Run({"kill", "aaaa1111aaaa1111", "bbbb", "-s", "USR1", "--group"}), 0) << err_;
  ASSERT_EQ(signals_.size(), 2u);
  // In either order: they are sent at once.
  EXPECT_EQ((std::set<std::string>{signals_[0].process_id(), signals_[1].process_id()}),
            (std::set<std::string>{"aaaa1111aaaa1111", "bbbb3333bbbb3333"}));
  EXPECT_EQ(signals_[1].signal(), "USR1");
  EXPECT_EQ(signals_[1].scope(), v1::SIGNAL_SCOPE_GROUP);
}

TEST_F(ProcessVerbsTest, KillReachesTheGroupUnlessASignalIsNamed) {
  const struct {
    std::vector<std::string> arguments;
    std::string signal;
    v1::SignalScope scope;
  } cases[] = {{{"kill", "bbbb"}, "KILL", v1::SIGNAL_SCOPE_GROUP},
               {{"kill", "--tree", "bbbb"}, "KILL", v1::SIGNAL_SCOPE_TREE},
               {{"kill", "-s", "KILL", "bbbb"}, "KILL", v1::SIGNAL_SCOPE_LEADER},
               {{"kill", "-s", "HUP", "-g", "bbbb"}, "HUP", v1::SIGNAL_SCOPE_GROUP}};
  for (const auto& [arguments, signal, scope] : cases) {
    EXPECT_EQ(Run(arguments), 0) << err_;
    ASSERT_FALSE(signals_.empty());
    EXPECT_EQ(signals_.back().signal(), signal);
    EXPECT_EQ(signals_.back().scope(), scope);
  }
}

TEST_F(ProcessVerbsTest, KillTellsThatATreeWasFoundByAWalk) {
  v1::TreeMechanism mechanism = v1::TREE_MECHANISM_CGROUP;
  server_.behaviour().signal = [&](const v1::SignalProcessRequest& request,
                                   v1::SignalProcessResponse* response) {
    signals_.push_back(request);
    response->set_tree_mechanism(mechanism);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"kill", "--tree", "bbbb"}), 0);
  EXPECT_EQ(err_, "");
  EXPECT_EQ(signals_.back().scope(), v1::SIGNAL_SCOPE_TREE);
  mechanism = v1::TREE_MECHANISM_WALK;
  EXPECT_EQ(Run({"kill", "--tree", "bbbb"}), 0);
  EXPECT_TRUE(absl::StrContains(err_, "by a walk over /proc")) << err_;
  mechanism = v1::TREE_MECHANISM_GROUP;
  EXPECT_EQ(Run({"kill", "--tree", "bbbb"}), 0);
  EXPECT_TRUE(absl::StrContains(err_, "only its process group was reached")) << err_;
  EXPECT_EQ(Run({"kill", "--tree", "--group", "bbbb"}), 125);
}

TEST_F(ProcessVerbsTest, UpdateSetsAndRemovesLabelsAndRetention) {
  v1::UpdateProcessRequest got;
  server_.behaviour().update = [&](const v1::UpdateProcessRequest& request,
                                   v1::UpdateProcessResponse* response) {
    got = request;
    *response->mutable_process() = MakeProcess();
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"update", "bbbb", "--label", "a=1", "--unlabel", "b"}), 0) << err_;
  EXPECT_EQ(out_, "");
  EXPECT_EQ(got.process_id(), "bbbb3333bbbb3333");
  EXPECT_EQ(got.labels().at("a"), "1");
  EXPECT_EQ(got.labels().at("b"), "");
  EXPECT_FALSE(got.has_output());
  EXPECT_EQ(Run({"update", "--retain", "8K", "--overflow", "drop", "--json", "bbbb"}), 0);
  EXPECT_EQ(got.output().retain_bytes(), 8192u);
  EXPECT_EQ(got.output().overflow(), v1::OVERFLOW_POLICY_DROP_OLDEST);
  EXPECT_TRUE(absl::StrContains(out_, kProcessId)) << out_;
  EXPECT_EQ(Run({"update", "bbbb"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "nothing to change")) << err_;
  EXPECT_EQ(Run({"update", "--label", "a=", "bbbb"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "--label: 'a=' has no value; --unlabel")) << err_;
}

TEST_F(ProcessVerbsTest, AmbiguousAndUnknownIdsDoNotSpareTheOthers) {
  EXPECT_EQ(Run({"kill", "aaaa", "bb", "ccc", "bbb"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "'aaaa' is the start of 2 ids")) << err_;
  EXPECT_TRUE(absl::StrContains(err_, "kill: bb: no process 'bb' (PROCESS_NOT_FOUND)")) << err_;
  EXPECT_TRUE(absl::StrContains(err_, "no process 'ccc'")) << err_;
  ASSERT_EQ(signals_.size(), 1u);
  EXPECT_EQ(signals_[0].signal(), "KILL");
  EXPECT_EQ(signals_[0].scope(), v1::SIGNAL_SCOPE_GROUP);
}

TEST_F(ProcessVerbsTest, StopLeavesThePolicyToTheProcessUnlessTold) {
  v1::StopProcessRequest got;
  server_.behaviour().stop = [&](const v1::StopProcessRequest& request, auto*) {
    got = request;
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"stop", "bbbb"}), 0);
  EXPECT_FALSE(got.has_stop_policy());
  EXPECT_EQ(Run({"stop", "-t", "0s", "bbbb"}), 0);
  EXPECT_TRUE(got.stop_policy().has_grace());
  EXPECT_EQ(got.stop_policy().signal(), "");
  EXPECT_EQ(got.stop_policy().scope(), v1::SIGNAL_SCOPE_UNSPECIFIED);
  EXPECT_EQ(Run({"stop", "--tree", "bbbb"}), 0);
  EXPECT_EQ(got.stop_policy().scope(), v1::SIGNAL_SCOPE_TREE);
  EXPECT_FALSE(got.stop_policy().has_grace());
}

// ---- Lost with its server: nobody knows how it ended, nor whether. ----

TEST_F(ProcessVerbsTest, WaitAndInspectSayWhatIsKnownOfTheLost) {
  v1::Process lost = processes_[2];
  lost.set_pid(4711);
  *lost.mutable_exit_status() = UnknownEnd("SERVER_LOST");
  server_.behaviour().wait = [&](auto&, v1::WaitProcessResponse* response) {
    *response->mutable_process() = lost;
    return grpc::Status::OK;
  };
  const auto expect_said = [&](const std::string& words) {
    processes_[2] = lost;
    EXPECT_EQ(Run({"wait", "bbbb"}), 125);
    EXPECT_EQ(out_, "?\n");
    EXPECT_TRUE(absl::StrContains(err_, words)) << err_;
    EXPECT_EQ(Run({"inspect", "bbbb"}), 0);
    EXPECT_TRUE(absl::StrContains(err_, words)) << err_;
  };
  expect_said("SERVER_LOST: it may run on as pid 4711");
  lost.set_survivors(1);
  expect_said("1 process runs on in its control group (its pid was 4711)");
  lost.set_survivors(3);
  expect_said("3 processes run on in its control group (its pid was 4711)");
  EXPECT_TRUE(absl::StrContains(out_, "\"survivors\": 3")) << out_;
  lost.set_survivors(0);
  lost.set_tree_empty(true);
  expect_said("nothing of it runs any more");
  lost.set_tree_empty(false);
  lost.set_pid(0);
  *lost.mutable_exit_status() = UnknownEnd("SERVER_LOST_AT_START");
  expect_said("SERVER_LOST_AT_START: it may have run, and may run on");
}

TEST_F(ProcessVerbsTest, StopOfTheLostFailsUnlessNoneIsLeft) {
  bool empty = false;
  server_.behaviour().stop = [&](const v1::StopProcessRequest& request,
                                 v1::StopProcessResponse* response) {
    response->mutable_process()->set_process_id(request.process_id());
    *response->mutable_process()->mutable_exit_status() = UnknownEnd("SERVER_LOST");
    response->mutable_process()->set_tree_empty(empty);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"stop", "bbbb"}), 125) << "it may run on";
  EXPECT_TRUE(absl::StrContains(err_, "nobody could stop it: SERVER_LOST")) << err_;
  empty = true;
  EXPECT_EQ(Run({"stop", "--tree", "bbbb"}), 0) << err_;
  EXPECT_EQ(err_, "");
}

TEST_F(ProcessVerbsTest, InspectPrintsJson) {
  EXPECT_EQ(Run({"inspect", "bbbb", "--json"}), 0);
  EXPECT_TRUE(absl::StartsWith(out_, "{\"process_id\":\"bbbb3333bbbb3333\"")) << out_;
  EXPECT_EQ(Run({"inspect", "bbbb"}), 0);
  EXPECT_TRUE(absl::StartsWith(out_, "{\n \"process_id\": \"bbbb3333bbbb3333\"")) << out_;
}

TEST_F(ProcessVerbsTest, InspectPrintsSeveralAsOneDocument) {
  EXPECT_EQ(Run({"inspect", "bbbb", "aaaa2"}), 0) << err_;
  EXPECT_TRUE(absl::StartsWith(out_, "[\n{\n \"process_id\": \"bbbb3333bbbb3333\"")) << out_;
  EXPECT_TRUE(absl::StrContains(out_, "\n},\n{\n \"process_id\": \"aaaa2222aaaa2222\"")) << out_;
  EXPECT_TRUE(absl::EndsWith(out_, "\n}\n]\n")) << out_;
  EXPECT_EQ(Run({"inspect", "cccc", "bbbb"}), 125);
  EXPECT_TRUE(absl::StartsWith(out_, "[\n{\n \"process_id\": \"bbbb")) << "those that there are";
  EXPECT_EQ(Run({"inspect", "cccc", "dddd"}), 125);
  EXPECT_EQ(out_, "[]\n");
}

TEST_F(ProcessVerbsTest, KillZeroAsksWhetherItRuns) {
  server_.behaviour().signal = [](const v1::SignalProcessRequest& request, auto*) {
    if (request.signal() != "0") return grpc::Status::CANCELLED;
    return request.process_id()[0] == 'b'
               ? Refusal(grpc::StatusCode::NOT_FOUND, "it has ended", "PROCESS_EXITED")
               : grpc::Status::OK;
  };
  EXPECT_EQ(Run({"kill", "-s", "0", "aaaa1"}), 0) << err_;
  EXPECT_EQ(err_, "");
  EXPECT_EQ(Run({"kill", "-s", "0", "bbbb"}), 1);
  EXPECT_EQ(err_, "proctor: kill: bbbb: it does not run\n");
  EXPECT_EQ(Run({"kill", "-s", "0", "aaaa1", "bbbb"}), 1) << "not all of them";
  EXPECT_EQ(Run({"kill", "-s", "0", "bbbb", "cccc"}), 125) << "nobody knows it";
}

TEST_F(ProcessVerbsTest, InspectPutsThePagesOfALargeSpecificationTogether) {
  server_.behaviour().get = [](const v1::GetProcessRequest& request,
                               v1::GetProcessResponse* response) {
    v1::Process* const process = response->mutable_process();
    process->set_process_id(request.process_id());
    if (request.page_token().empty()) {
      process->set_pid(4711);
      process->mutable_spec()->add_argv("first");
      process->mutable_spec_omitted()->set_arguments(1);
      response->set_next_page_token("next");
    } else {
      process->mutable_spec()->add_argv(request.page_token());
      (*process->mutable_spec()->mutable_env())["NAME"] = "";
    }
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"inspect", "--json", "bbbb3333bbbb3333"}), 0);
  EXPECT_TRUE(absl::StrContains(out_, "\"argv\":[\"first\",\"next\"]")) << out_;
  EXPECT_TRUE(absl::StrContains(out_, "\"NAME\"")) << out_;
  EXPECT_TRUE(absl::StrContains(out_, "4711")) << out_;
  EXPECT_FALSE(absl::StrContains(out_, "spec_omitted\":{")) << out_;
}

TEST_F(ProcessVerbsTest, RmTellsWhatIsRefused) {
  server_.behaviour().remove = [&](const v1::RemoveProcessRequest& request, auto*) {
    return request.force()
               ? grpc::Status::OK
               : Refusal(grpc::StatusCode::FAILED_PRECONDITION, "it runs", "PROCESS_RUNNING");
  };
  EXPECT_EQ(Run({"rm", "bbbb"}), 125);
  EXPECT_EQ(err_, "proctor: rm: bbbb: it runs (PROCESS_RUNNING)\n");
  EXPECT_EQ(Run({"rm", "-f", "bbbb"}), 0);
}

}  // namespace
}  // namespace proctor::cli
