// ps: --format, --sort, colours and --watch.
#include <signal.h>

#include <deque>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "tests/client/cli/process_list_fixture.h"
#include "tests/client/terminal_run.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

class PsVerbTest : public ProcessListFixture {
 protected:
  PsVerbTest() {
    Add("aaaa1111aaaa1111", "web");
    Add("bbbb2222bbbb2222");
    Add("cccc3333cccc3333");
    Edit("aaaa1111aaaa1111", [](v1::Process* p) { p->mutable_started_at()->set_seconds(30); });
    Edit("bbbb2222bbbb2222", [](v1::Process* p) { p->mutable_started_at()->set_seconds(10); });
    Edit("cccc3333cccc3333", [](v1::Process* p) { p->mutable_started_at()->set_seconds(20); });
    server_.behaviour().info = [](auto&, v1::GetServerInfoResponse* response) {
      response->mutable_last_event()->set_log_id("l");
      return grpc::Status::OK;
    };
    server_.behaviour().watch = [this](grpc::ServerContext* context, const v1::WatchEventsRequest&,
                                       EventsStream* stream) {
      uint64_t sent = 0;
      while (!context->IsCancelled()) {
        absl::MutexLock lock(&events_mutex_);
        const auto more = [&] { return events_.size() > sent; };
        if (!events_mutex_.AwaitWithTimeout(absl::Condition(&more), absl::Milliseconds(100))) {
          continue;
        }
        v1::WatchEventsResponse response;
        *response.mutable_event() = events_[sent++];
        response.mutable_event()->set_log_id("l");
        response.mutable_event()->set_sequence(sent);
        stream->Write(response);
      }
      return grpc::Status::CANCELLED;
    };
  }

  void Happens(v1::EventType type, const std::string& id) {
    absl::MutexLock lock(&events_mutex_);
    v1::Event event;
    event.set_type(type);
    event.set_process_id(id);
    events_.push_back(event);
  }

  std::unique_ptr<TerminalRun> OnTerminal(std::vector<std::string> arguments,
                                          std::vector<std::string> environment = {}) {
    arguments.insert(arguments.begin(), {"--host", server_.host()});
    return std::make_unique<TerminalRun>(CommandOptions{arguments, environment, ""}, 24, 80);
  }

  std::string ShownOnTerminal(std::vector<std::string> arguments,
                              std::vector<std::string> environment = {}) {
    const auto run = OnTerminal(std::move(arguments), std::move(environment));
    EXPECT_EQ(run->Wait(), 0) << run->shown();
    return run->shown();
  }

  absl::Mutex events_mutex_;
  std::deque<v1::Event> events_;
};

TEST_F(PsVerbTest, FormatsALineForEach) {
  End("bbbb2222bbbb2222", KilledBy(SIGKILL, "SIGKILL"));
  EXPECT_EQ(Run({"ps", "-a", "--format", "{{.ID}}\\t{{.State}} {{.Exit}}"}), 0) << err_;
  EXPECT_EQ(out_,
            "aaaa1111aaaa1111\trunning \n"
            "bbbb2222bbbb2222\texited SIGKILL\n"
            "cccc3333cccc3333\trunning \n");
  EXPECT_EQ(Run({"ps", "--format", "table {{.ID}}\\t{{.Labels}}"}), 0) << err_;
  EXPECT_EQ(out_,
            "ID            LABELS\n"
            "aaaa1111aaaa  app=web\n"
            "cccc3333cccc  -\n");
  EXPECT_EQ(Run({"ps", "--format", "{{.Names}}"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "--format: there is no field 'Names'; there are ID, "))
      << err_;
}

TEST_F(PsVerbTest, NamesHaveAColumnWhereThereAreAny) {
  EXPECT_EQ(Run({"ps"}), 0) << err_;
  EXPECT_TRUE(absl::StartsWith(out_, "ID            STATE")) << out_;
  Edit("bbbb2222bbbb2222", [](v1::Process* p) { p->mutable_spec()->set_name("db"); });
  EXPECT_EQ(Run({"ps"}), 0) << err_;
  EXPECT_TRUE(absl::StartsWith(out_, "ID            NAME  STATE")) << out_;
  EXPECT_TRUE(absl::StrContains(out_, "\naaaa1111aaaa  -     running")) << out_;
  EXPECT_TRUE(absl::StrContains(out_, "\nbbbb2222bbbb  db    running")) << out_;
}

TEST_F(PsVerbTest, WhatAFieldHasIsNotForTerminalsToObey) {
  Edit("aaaa1111aaaa1111", [](v1::Process* p) { p->mutable_spec()->set_argv(0, "\x1b[31m\nx"); });
  EXPECT_EQ(Run({"ps", "-l", "app=web", "--format", "{{.Command}}"}), 0) << err_;
  EXPECT_EQ(out_, "'\\x1b[31m\\nx'\n");
}

TEST_F(PsVerbTest, SortsByAField) {
  EXPECT_EQ(Run({"ps", "-q", "--sort", "started"}), 0) << err_;
  EXPECT_EQ(out_, "bbbb2222bbbb2222\ncccc3333cccc3333\naaaa1111aaaa1111\n");
  EXPECT_EQ(Run({"ps", "-q", "--sort", "Started:desc"}), 0) << err_;
  EXPECT_EQ(out_, "aaaa1111aaaa1111\ncccc3333cccc3333\nbbbb2222bbbb2222\n");
  EXPECT_EQ(Run({"ps", "-q", "--sort", "age:asc"}), 0) << err_;
  EXPECT_EQ(out_, "aaaa1111aaaa1111\ncccc3333cccc3333\nbbbb2222bbbb2222\n") << "the youngest first";
  EXPECT_EQ(Run({"ps", "--sort", "weight"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "--sort: there is no field 'weight'; there are ID")) << err_;
}

TEST_F(PsVerbTest, SortsNumbersAsNumbers) {
  End("aaaa1111aaaa1111", ExitCode(10));
  End("bbbb2222bbbb2222", ExitCode(9));
  EXPECT_EQ(Run({"ps", "-a", "-q", "--sort", "exit"}), 0) << err_;
  EXPECT_EQ(out_, "cccc3333cccc3333\nbbbb2222bbbb2222\naaaa1111aaaa1111\n");
}

TEST_F(PsVerbTest, ColoursStatesOnTerminals) {
  End("bbbb2222bbbb2222", ExitCode(1));
  End("cccc3333cccc3333", UnknownEnd("SERVER_LOST"));
  const std::vector<std::string> terminal = {"TERM=xterm"};
  const std::string shown = ShownOnTerminal({"ps", "-a"}, terminal);
  EXPECT_TRUE(absl::StrContains(shown, "\x1b[32mrunning\x1b[0m  -")) << shown;
  EXPECT_TRUE(absl::StrContains(shown, "\x1b[31mexited\x1b[0m   \x1b[31m1\x1b[0m")) << shown;
  EXPECT_TRUE(absl::StrContains(shown, "\x1b[33mlost\x1b[0m     \x1b[33m?\x1b[0m")) << shown;
  const auto is_plain = [&](std::vector<std::string> arguments,
                            std::vector<std::string> environment) {
    return !absl::StrContains(ShownOnTerminal(std::move(arguments), std::move(environment)),
                              "\x1b");
  };
  EXPECT_TRUE(is_plain({"ps", "-a", "--color", "never"}, terminal));
  EXPECT_TRUE(is_plain({"ps", "-a"}, {"TERM=dumb"}));
  EXPECT_TRUE(is_plain({"ps", "-a"}, {"TERM=xterm", "NO_COLOR=1"}));
  EXPECT_FALSE(is_plain({"ps", "-a"}, {"TERM=xterm", "NO_COLOR="})) << "empty is unset";
  EXPECT_EQ(Run({"ps", "-a"}, terminal), 0);
  EXPECT_FALSE(absl::StrContains(out_, "\x1b")) << out_;
  EXPECT_EQ(Run({"ps", "-a", "--color=always"}, {"NO_COLOR=1"}), 0);
  EXPECT_TRUE(absl::StrContains(out_, "\x1b[32mrunning\x1b[0m")) << out_;
}

TEST_F(PsVerbTest, WatchPrintsALineForEachChange) {
  const auto run = Start({"ps", "--watch", "--format", "{{.ID}} {{.State}} {{.Exit}}"});
  ASSERT_TRUE(run->StdoutHas("cccc3333cccc3333 running \n")) << run->err();
  Add("dddd4444dddd4444");
  Happens(v1::EVENT_TYPE_PROCESS_STARTED, "dddd4444dddd4444");
  ASSERT_TRUE(run->StdoutHas("dddd4444dddd4444 running \n"));
  End("bbbb2222bbbb2222", ExitCode(3));
  Happens(v1::EVENT_TYPE_PROCESS_EXITED, "bbbb2222bbbb2222");
  ASSERT_TRUE(run->StdoutHas("bbbb2222bbbb2222 exited 3\n"));
  // No change, and one that the list was not about any more.
  Happens(v1::EVENT_TYPE_PROCESS_UPDATED, "cccc3333cccc3333");
  Happens(v1::EVENT_TYPE_PROCESS_REMOVED, "bbbb2222bbbb2222");
  // Over before it is looked at: it is seen all the same.
  Add("eeee5555eeee5555");
  End("eeee5555eeee5555", ExitCode(0));
  Happens(v1::EVENT_TYPE_PROCESS_STARTED, "eeee5555eeee5555");
  Happens(v1::EVENT_TYPE_PROCESS_EXITED, "eeee5555eeee5555");
  ASSERT_TRUE(run->StdoutHas("eeee5555eeee5555 exited 0\n"));
  run->Signal(SIGINT);
  EXPECT_EQ(run->Wait(), 130);
  EXPECT_EQ(run->out(),
            "aaaa1111aaaa1111 running \n"
            "bbbb2222bbbb2222 running \n"
            "cccc3333cccc3333 running \n"
            "dddd4444dddd4444 running \n"
            "bbbb2222bbbb2222 exited 3\n"
            "eeee5555eeee5555 exited 0\n");
}

TEST_F(PsVerbTest, WatchKeepsItsColumns) {
  const auto run = Start({"ps", "-a", "-w"});
  ASSERT_TRUE(run->StdoutHas("\ncccc3333cccc  running")) << run->err();
  EXPECT_EQ(Run({"rm", "cccc3333cccc3333"}), 0) << err_;
  Happens(v1::EVENT_TYPE_PROCESS_REMOVED, "cccc3333cccc3333");
  ASSERT_TRUE(run->StdoutHas("\ncccc3333cccc  forgotten")) << run->out();
}

TEST_F(PsVerbTest, WatchShowsWhatChangedWhileTheServerWasLost) {
  const auto run = Start({"ps", "-w", "-q"});
  ASSERT_TRUE(run->StdoutHas("cccc3333cccc3333\n")) << run->err();
  server_.Stop();
  ASSERT_TRUE(run->StderrHas("trying again"));
  Add("dddd4444dddd4444");
  server_.Restart();
  ASSERT_TRUE(run->StdoutHas("dddd4444dddd4444\n")) << run->err();
  run->Signal(SIGINT);
  run->Wait();
  EXPECT_EQ(run->out(), "aaaa1111aaaa1111\nbbbb2222bbbb2222\ncccc3333cccc3333\ndddd4444dddd4444\n");
}

TEST_F(PsVerbTest, WatchPaintsATerminalAnew) {
  const auto run = OnTerminal({"ps", "-w"}, {"TERM=xterm"});
  ASSERT_TRUE(run->Shows("cccc3333cccc  \x1b[32mrunning")) << run->shown();
  EXPECT_TRUE(absl::StrContains(run->shown(), "\x1b[2J\x1b[H\x1b[KID ")) << run->shown();
  Add("dddd4444dddd4444");
  Happens(v1::EVENT_TYPE_PROCESS_STARTED, "dddd4444dddd4444");
  ASSERT_TRUE(run->Shows("dddd4444dddd  \x1b[32mrunning")) << run->shown();
  // It is the same table again, not a line below it.
  const std::string shown = run->shown();
  const size_t added = shown.find("dddd4444dddd");
  const size_t painting = shown.rfind("\x1b[H", added);
  ASSERT_NE(painting, std::string::npos) << shown;
  EXPECT_TRUE(absl::StrContains(shown.substr(painting, added - painting), "aaaa1111aaaa")) << shown;
  run->Type("\x03");
  EXPECT_EQ(run->Wait(), 130);
}

TEST_F(PsVerbTest, WatchKeepsLinesWithinTheWindow) {
  Edit("aaaa1111aaaa1111",
       [](v1::Process* p) { p->mutable_spec()->set_argv(0, std::string(200, 'x') + "end"); });
  const auto run = OnTerminal({"ps", "-w", "--no-trunc"}, {"TERM=xterm"});
  // A line that fills the window is not erased again, and none goes on below.
  ASSERT_TRUE(run->Shows("x…\r\n\x1b[K")) << run->shown();
  EXPECT_FALSE(absl::StrContains(run->shown(), "xend")) << run->shown();
}

TEST_F(PsVerbTest, WatchAsksNothingOfWhatIsNotWanted) {
  const auto run = Start({"ps", "-w", "-l", "app=web", "--format", "{{.ID}}"});
  ASSERT_TRUE(run->StdoutHas("aaaa1111aaaa1111\n")) << run->err();
  absl::Mutex mutex;
  std::vector<std::string> asked;
  const auto get = server_.behaviour().get;
  server_.behaviour().get = [&](const v1::GetProcessRequest& request, auto* response) {
    absl::MutexLock lock(&mutex);
    asked.push_back(request.process_id());
    return get(request, response);
  };
  Add("dddd4444dddd4444", "db");
  Add("eeee5555eeee5555", "web");
  for (const char* id : {"dddd4444dddd4444", "eeee5555eeee5555"}) {
    v1::GetProcessRequest request;
    request.set_process_id(id);
    v1::GetProcessResponse response;
    ASSERT_TRUE(get(request, &response).ok());
    absl::MutexLock lock(&events_mutex_);
    v1::Event event;
    event.set_type(v1::EVENT_TYPE_PROCESS_STARTED);
    event.set_process_id(id);
    *event.mutable_process_started()->mutable_process() = response.process();
    events_.push_back(event);
  }
  ASSERT_TRUE(run->StdoutHas("eeee5555eeee5555\n")) << run->err();
  run->Signal(SIGINT);
  run->Wait();
  absl::MutexLock lock(&mutex);
  EXPECT_EQ(asked, std::vector<std::string>{"eeee5555eeee5555"});
}

TEST_F(PsVerbTest, ShowsOneThingAtATime) {
  const struct {
    std::vector<std::string> flags;
    std::string words;
  } cases[] = {{{"-q", "--json"}, "-q and --json exclude each other"},
               {{"-q", "--format", "{{.ID}}"}, "-q and --format exclude each other"},
               {{"--json", "-o", "wide"}, "--json and -o wide exclude each other"},
               {{"--format", "{{.ID}}", "-o", "wide"}, "--format and -o wide exclude each other"}};
  for (const auto& [flags, words] : cases) {
    std::vector<std::string> arguments = {"ps"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    EXPECT_EQ(Run(arguments), 125);
    EXPECT_TRUE(absl::StrContains(err_, words)) << err_;
    arguments[0] = "ls";
    arguments.insert(arguments.begin(), "session");
    EXPECT_EQ(Run(arguments), 125);
    EXPECT_TRUE(absl::StrContains(err_, words)) << err_;
  }
}

TEST_F(PsVerbTest, WatchPaintsNoMoreThanTheWindowHas) {
  for (int i = 0; i < 40; ++i) Add(absl::StrCat("process-", i));
  const auto run = OnTerminal({"ps", "-w"}, {"TERM=xterm"});
  // 24 rows: a header, 21 processes of 43, this line, and room for the cursor.
  ASSERT_TRUE(run->Shows("… and 22 more")) << run->shown();
}

}  // namespace
}  // namespace proctor::cli
