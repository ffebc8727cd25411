// ps, kill, stop, wait, inspect, rm, and the ids that they take.
#include <signal.h>

#include <optional>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "tests/client/cli/command_fixture.h"
#include "tests/client/terminal_run.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

class ProcessVerbsTest : public CommandFixture {
 protected:
  ProcessVerbsTest() {
    // Whole ids only, as the real one.
    server_.behaviour().get = [this](const v1::GetProcessRequest& request,
                                     v1::GetProcessResponse* response) {
      for (const v1::Process& process : processes_) {
        if (process.process_id() != request.process_id()) continue;
        *response->mutable_process() = process;
        return grpc::Status::OK;
      }
      return Refusal(grpc::StatusCode::NOT_FOUND,
                     absl::StrCat("no process '", request.process_id(), "'"), "PROCESS_NOT_FOUND");
    };
    // One a page.
    server_.behaviour().list = [this](const v1::ListProcessesRequest& request,
                                      v1::ListProcessesResponse* response) {
      const size_t index = request.page_token().empty() ? 0 : std::stoul(request.page_token());
      if (index >= processes_.size()) return grpc::Status::OK;
      *response->add_processes() = processes_[index];
      if (index + 1 < processes_.size()) response->set_next_page_token(std::to_string(index + 1));
      last_list_ = request;
      return grpc::Status::OK;
    };
    server_.behaviour().signal = [this](const v1::SignalProcessRequest& request, auto*) {
      absl::MutexLock lock(&mutex_);
      signals_.push_back(request);
      return grpc::Status::OK;
    };
  }

  std::vector<v1::Process> processes_ = {MakeProcess("aaaa1111aaaa1111"),
                                         MakeProcess("aaaa2222aaaa2222"),
                                         MakeProcess("bbbb3333bbbb3333")};
  v1::ListProcessesRequest last_list_;
  absl::Mutex mutex_;
  std::vector<v1::SignalProcessRequest> signals_;
};

TEST_F(ProcessVerbsTest, PsListsAllPages) {
  processes_[1].mutable_spec()->add_argv("two words");
  processes_[2].mutable_spec()->add_argv("\x1b[31m");
  processes_[2].set_state(v1::PROCESS_STATE_DRAINED);
  *processes_[2].mutable_exit_status() = KilledBy(SIGKILL, "SIGKILL");
  EXPECT_EQ(Run({"ps", "-a"}), 0) << err_;
  const std::vector<std::string> lines = absl::StrSplit(out_, '\n');
  ASSERT_EQ(lines.size(), 5u) << out_;
  EXPECT_TRUE(absl::StartsWith(lines[0], "ID ")) << lines[0];
  EXPECT_TRUE(absl::StartsWith(lines[1], "aaaa1111aaaa  running  -        ")) << lines[1];
  EXPECT_TRUE(absl::EndsWith(lines[2], "cat 'two words'")) << lines[2];
  EXPECT_TRUE(absl::StartsWith(lines[3], "bbbb3333bbbb  exited   SIGKILL  ")) << lines[3];
  EXPECT_TRUE(absl::EndsWith(lines[3], "\\x1b[31m")) << lines[3];
  EXPECT_EQ(last_list_.states_size(), 0);
  EXPECT_FALSE(last_list_.include_survivors());
}

TEST_F(ProcessVerbsTest, PsAsksForRunningOnes) {
  EXPECT_EQ(Run({"ps", "-q", "--label", "k=v"}), 0) << err_;
  EXPECT_EQ(out_, "aaaa1111aaaa1111\naaaa2222aaaa2222\nbbbb3333bbbb3333\n");
  ASSERT_EQ(last_list_.states_size(), 1);
  EXPECT_EQ(last_list_.states(0), v1::PROCESS_STATE_RUNNING);
  EXPECT_TRUE(last_list_.include_survivors()) << "they run, too";
  EXPECT_EQ(last_list_.labels().at("k"), "v");
}

TEST_F(ProcessVerbsTest, PsTakesFilters) {
  server_.behaviour().get_session = [](auto&, auto*) { return grpc::Status::OK; };
  EXPECT_EQ(Run({"ps", "-q", "--filter", "state=running", "--filter", "state=exited", "-f",
                 "label.a/b=c=d", "-f", "session=s1"}),
            0)
      << err_;
  ASSERT_EQ(last_list_.states_size(), 3);
  EXPECT_EQ(last_list_.states(0), v1::PROCESS_STATE_RUNNING);
  EXPECT_EQ(last_list_.states(1), v1::PROCESS_STATE_EXITED);
  EXPECT_EQ(last_list_.states(2), v1::PROCESS_STATE_DRAINED) << "its output is nobody's business";
  EXPECT_EQ(last_list_.labels().at("a/b"), "c=d");
  EXPECT_EQ(last_list_.session_id(), "s1");
  for (const char* bad : {"state", "state=dead", "label.=x", "user=x", "session="}) {
    EXPECT_EQ(Run({"ps", "--filter", bad}), 125) << bad;
    EXPECT_TRUE(absl::StrContains(err_, "--filter: ")) << err_;
  }
}

TEST_F(ProcessVerbsTest, PsJsonIsOneObjectALine) {
  EXPECT_EQ(Run({"ps", "--json"}), 0);
  const std::vector<std::string> lines = absl::StrSplit(out_, '\n');
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_TRUE(absl::StrContains(lines[0], "\"process_id\":\"aaaa1111aaaa1111\"")) << lines[0];
  EXPECT_TRUE(absl::StrContains(lines[0], "\"stdin_open\":false")) << lines[0];
}

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

TEST_F(ProcessVerbsTest, CancelTellsWhatBecameOfTheStart) {
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

TEST_F(ProcessVerbsTest, WaitPrintsAndReturnsTheStatus) {
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

TEST_F(ProcessVerbsTest, WaitNeverTakesUnknownForSuccess) {
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

// ---- Lost with its server: nobody knows how it ended, nor whether. ----

TEST_F(ProcessVerbsTest, PsShowsTheLostAsSuch) {
  for (v1::Process& process : processes_) {
    process.set_state(v1::PROCESS_STATE_DRAINED);
    *process.mutable_exit_status() = UnknownEnd("SERVER_LOST");
  }
  processes_[1].set_survivors(2);
  processes_[2].set_tree_empty(true);
  EXPECT_EQ(Run({"ps", "-a"}), 0) << err_;
  const std::vector<std::string> lines = absl::StrSplit(out_, '\n');
  ASSERT_EQ(lines.size(), 5u);
  const char* const expected[] = {"lost             ?     ", "lost, 2 running  ?     ",
                                  "lost, none left  ?     "};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(absl::StrContains(lines[i + 1], expected[i])) << lines[i + 1];
    EXPECT_TRUE(absl::StrContains(lines[i + 1], "h  ?    cat")) << "no duration: " << lines[i + 1];
  }
}

TEST_F(ProcessVerbsTest, PsShowsWhatRunsOnAfterAnEndedOne) {
  processes_[1].set_state(v1::PROCESS_STATE_DRAINED);
  processes_[1].mutable_exit_status()->set_exit_code(0);
  processes_[1].set_survivors(1);
  EXPECT_EQ(Run({"ps"}), 0) << err_;
  EXPECT_TRUE(absl::StrContains(out_, "exited, 1 running  0 ")) << out_;
}

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

TEST_F(ProcessVerbsTest, PsFindsTheLostAmongTheEnded) {
  processes_[0].set_state(v1::PROCESS_STATE_EXITED);
  *processes_[0].mutable_exit_status() = UnknownEnd("SERVER_LOST");
  processes_[1].set_state(v1::PROCESS_STATE_EXITED);
  *processes_[1].mutable_exit_status() = ExitCode(0);
  EXPECT_EQ(Run({"ps", "-q", "-f", "state=lost"}), 0) << err_;
  EXPECT_EQ(out_, "aaaa1111aaaa1111\n");
  EXPECT_EQ(Run({"ps", "-q", "-f", "state=exited"}), 0) << err_;
  EXPECT_EQ(out_, "aaaa2222aaaa2222\n");
  EXPECT_EQ(Run({"ps", "-q", "-f", "state=exited", "-f", "state=running"}), 0) << err_;
  EXPECT_EQ(out_, "aaaa2222aaaa2222\nbbbb3333bbbb3333\n");
}

TEST_F(ProcessVerbsTest, PsWideHasSessionsAndLabels) {
  auto& labels = *processes_[0].mutable_spec()->mutable_labels();
  labels["b"] = "2";
  labels["a"] = "1";
  // 2026-11-27 17:22:39, as UTC has it.
  processes_[0].mutable_started_at()->set_seconds(1795800159);
  EXPECT_EQ(Run({"ps", "-o", "wide"}, {"TZ=XYZ-2"}), 0) << err_;
  const std::vector<std::string> lines = absl::StrSplit(out_, '\n');
  EXPECT_TRUE(absl::StrContains(lines[0], "STARTED              SESSION       LABELS   COMMAND"))
      << out_;
  EXPECT_TRUE(absl::StrContains(lines[1], "2026-11-27T19:22:39  5e55105e5510  a=1,b=2  cat"))
      << out_;
  EXPECT_TRUE(absl::StrContains(lines[2], "  -        cat")) << out_;
  EXPECT_EQ(Run({"ps", "-o", "long"}), 125);
}

TEST_F(ProcessVerbsTest, PsCutsOnATerminalOnly) {
  const std::string command(200, 'x');
  processes_[0].mutable_spec()->set_argv(0, command);
  EXPECT_EQ(Run({"ps"}), 0) << err_;
  EXPECT_TRUE(absl::StrContains(out_, "  " + command + "\n")) << out_;
  const auto on_terminal = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--host", server_.host()});
    TerminalRun run({arguments, {}, ""}, 24, 80);
    EXPECT_EQ(run.Wait(), 0) << run.shown();
    return run.shown();
  };
  const std::string cut = on_terminal({"ps"});
  for (const absl::string_view line : absl::StrSplit(cut, "\r\n")) {
    // The ellipsis is three bytes.
    EXPECT_LE(line.size(), 82u) << line;
  }
  EXPECT_TRUE(absl::StrContains(cut, "xxx…\r\n")) << cut;
  const std::string whole = on_terminal({"ps", "--no-trunc"});
  EXPECT_TRUE(absl::StrContains(whole, "aaaa1111aaaa1111  running")) << whole;
  EXPECT_TRUE(absl::StrContains(whole, "  " + command + "\r\n")) << whole;
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

TEST_F(ProcessVerbsTest, PsSaysThatACommandGoesOn) {
  processes_[0].mutable_spec_omitted()->set_arguments(3);
  EXPECT_EQ(Run({"ps", "-a"}), 0);
  EXPECT_TRUE(absl::StrContains(out_, " …")) << out_;
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
