// Where run and attach put the messages of a stream.
#include "client/cli/flags/message_flags.h"

#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "tests/client/cli/command_fixture.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

class MessageFlagsTest : public CommandFixture {
 protected:
  MessageFlagsTest() {
    Script({Started(), Stdout(0, "data"), Stderr(0, "{\"not\":\"ours\"}\n"),
            Gap(v1::STREAM_STDOUT, 4, 9), Exited(ExitCode(3)), Drained(9, 15)});
    server_.behaviour().get = [](auto&, v1::GetProcessResponse* response) {
      *response->mutable_process() = MakeProcess();
      return grpc::Status::OK;
    };
    server_.behaviour().attach = [](auto*, AttachStream* stream) {
      Say<v1::AttachProcessResponse>(stream, Started());
      Say<v1::AttachProcessResponse>(stream, Exited(ExitCode(3)));
      Say<v1::AttachProcessResponse>(stream, Drained(0, 0));
      return grpc::Status::OK;
    };
  }

  std::string Path() const { return server_.directory() + "/messages"; }

  std::string Content() const {
    std::stringstream content;
    content << std::ifstream(Path()).rdbuf();
    return content.str();
  }

  // By a shell, which opens descriptors.
  int RunBy(const std::string& shell, std::vector<std::string> arguments) {
    CommandRun run({.arguments = WithHost(std::move(arguments)), .by_shell = shell});
    const int code = run.Wait();
    out_ = run.out();
    err_ = run.err();
    return code;
  }

  void ExpectStarted(bool wanted) {
    absl::MutexLock lock(&mutex_);
    EXPECT_EQ(started_, wanted);
  }

  void NoteStarts() {
    server_.behaviour().run = [this](auto*, RunStream*) {
      absl::MutexLock lock(&mutex_);
      started_ = true;
      return grpc::Status::OK;
    };
  }

  absl::Mutex mutex_;
  bool started_ ABSL_GUARDED_BY(mutex_) = false;
};

TEST_F(MessageFlagsTest, StderrHasTheProcessAndOurWordsAlone) {
  for (const bool by_descriptor : {false, true}) {
    std::ofstream(Path()) << "old";
    EXPECT_EQ(by_descriptor ? RunBy("exec \"$@\" 7>" + Path(), {"run", "--json-fd", "7", "x"})
                            : Run({"run", "--json-file", Path(), "x"}),
              3);
    EXPECT_EQ(out_, "data");
    EXPECT_EQ(err_,
              "{\"not\":\"ours\"}\n"
              "proctor: run: 5 bytes of stdout are missing here: the server did not keep them\n");
    const std::vector<std::string> lines = absl::StrSplit(Content(), '\n');
    ASSERT_EQ(lines.size(), 5u) << Content();
    EXPECT_TRUE(absl::StartsWith(lines[0], "{\"started\":{\"process\":{\"process_id\":"))
        << lines[0];
    EXPECT_TRUE(absl::StartsWith(lines[1], "{\"output_gap\":")) << lines[1];
    EXPECT_TRUE(absl::StrContains(lines[2], "\"exit_code\":3")) << lines[2];
    EXPECT_TRUE(absl::StartsWith(lines[3], "{\"output_drained\":")) << lines[3];
  }
}

TEST_F(MessageFlagsTest, AttachHasThemToo) {
  EXPECT_EQ(Run({"attach", "--json-file", Path(), kProcessId}), 3) << err_;
  EXPECT_EQ(err_, "");
  EXPECT_TRUE(absl::StartsWith(Content(), "{\"started\":")) << Content();
}

TEST_F(MessageFlagsTest, BareJsonIsRefusedWithWhatTakesItsPlace) {
  NoteStarts();
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"run", "--json", "x"}, {"attach", "--json", kProcessId}}) {
    EXPECT_EQ(Run(arguments), 125);
    EXPECT_TRUE(absl::StrContains(err_, "--json-file FILE")) << err_;
    EXPECT_TRUE(absl::StrContains(err_, "--json-fd 3")) << err_;
  }
  ExpectStarted(false);
}

TEST_F(MessageFlagsTest, RefusesAPlaceThatCannotBeWrittenBeforeAnythingStarts) {
  NoteStarts();
  const struct {
    std::string shell;
    std::vector<std::string> flags;
    std::string text;
  } cases[] = {
      {"exec \"$@\"", {"--json-fd", "9"}, "--json-fd 9: descriptor 9 is not open"},
      // Nobody opened it for us, but gRPC has one of this number.
      {"exec \"$@\" 3>&-", {"--json-fd", "3"}, "--json-fd 3: descriptor 3 is not open"},
      {"exec \"$@\" 7</dev/null", {"--json-fd", "7"}, "--json-fd 7: descriptor 7 is not open for"},
      {"exec \"$@\" 2>&1 >&-", {"--json-fd", "1"}, "--json-fd 1: descriptor 1 is not open for"},
      {"exec \"$@\"", {"--json-fd", "-1"}, "--json-fd: '-1' is not a whole number"},
      {"exec \"$@\"", {"--json-file", "/no/such/file"}, "'/no/such/file': No such file"},
      {"exec \"$@\"", {"--json-file", ""}, "--json-file: the value is empty"},
      {"exec \"$@\" 7>/dev/null", {"--json-fd", "7", "--json-file", "/dev/null"}, "exclude each"},
      {"exec \"$@\"", {"-d", "--json-file", "/dev/null"}, "-d goes with neither"}};
  for (const auto& [shell, flags, text] : cases) {
    std::vector<std::string> arguments = {"run"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    arguments.push_back("x");
    EXPECT_EQ(RunBy(shell, arguments), 125) << text;
    EXPECT_TRUE(absl::StrContains(err_ + out_, text)) << err_ << out_;
  }
  ExpectStarted(false);
}

TEST_F(MessageFlagsTest, MessagesThatCannotBeWrittenAreNoSuccess) {
  Script({Started(), Exited(ExitCode(0)), Drained(0, 0)});
  EXPECT_EQ(Run({"run", "--json-file", "/dev/full", "x"}), 125);
  EXPECT_EQ(err_, "proctor: run: write to --json-file '/dev/full': No space left on device\n");
}

}  // namespace
}  // namespace proctor::cli
