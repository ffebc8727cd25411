#include <fstream>
#include <functional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/e2e/harness/e2e_test.h"

namespace proctor {
namespace {

// Mistakes of callers. Each gives a documented code with ErrorInfo, and the server goes on.
class BadInputE2e : public E2eTest {
 protected:
  void TearDown() override {
    // The server still works.
    EXPECT_EQ(RunAll(Spec("exit_with", {"5"})).exit_status.exit_code(), 5);
  }

  ErrorDetails StartError(const v1::ProcessSpec& spec, const std::string& session_id = "") {
    grpc::ClientContext context;
    v1::StartProcessRequest request;
    request.set_session_id(session_id);
    *request.mutable_spec() = spec;
    v1::StartProcessResponse response;
    return Details(processes_->StartProcess(&context, request, &response));
  }

  void ExpectInvalid(const v1::ProcessSpec& spec, const std::string& field) {
    const ErrorDetails details = StartError(spec);
    EXPECT_EQ(details.code, grpc::INVALID_ARGUMENT) << field;
    EXPECT_EQ(details.reason, "INVALID_FIELD") << field;
    ASSERT_TRUE(details.metadata.count("field")) << field;
    EXPECT_EQ(details.metadata.at("field"), field);
    EXPECT_EQ(details.message.find(field + ": "), 0u) << details.message;
    ErrorDetails run = Details(RunAll(spec).status);
    EXPECT_EQ(run.metadata["field"], field);
    EXPECT_EQ(run.message, details.message);
  }

  ErrorDetails RunError(const std::vector<v1::RunProcessRequest>& requests) {
    grpc::ClientContext context;
    auto stream = processes_->RunProcess(&context);
    for (const auto& request : requests) stream->Write(request);
    stream->WritesDone();
    return Details(ReadAll<v1::RunProcessResponse>(*stream).status);
  }
};

TEST_F(BadInputE2e, MalformedSpecifications) {
  ExpectInvalid(v1::ProcessSpec(), "spec.argv");
  v1::ProcessSpec spec;
  spec.add_argv("");
  ExpectInvalid(spec, "spec.argv");
  spec = Shell(std::string("a\0b", 3));
  spec.set_argv(2, std::string("a\0b", 3));
  ExpectInvalid(spec, "spec.argv[2]");
  spec = Spec("exit_with");
  (*spec.mutable_env())["A"] = std::string("\0", 1);
  ExpectInvalid(spec, "spec.env");
  spec = Spec("exit_with");
  (*spec.mutable_env())["A=B"] = "x";
  ExpectInvalid(spec, "spec.env");
  spec = Spec("exit_with");
  spec.set_cwd(std::string("/\0", 2));
  ExpectInvalid(spec, "spec.cwd");
  spec = Spec("exit_with");
  spec.set_stdin_mode(v1::STDIO_MODE_MERGED);
  ExpectInvalid(spec, "spec.stdin_mode");
  spec = Spec("exit_with");
  spec.mutable_output()->set_retain_bytes(1);
  ExpectInvalid(spec, "spec.output.retain_bytes");
  spec = Spec("exit_with");
  spec.mutable_run_timeout()->set_seconds(-1);
  ExpectInvalid(spec, "spec.run_timeout");
  spec = Spec("exit_with");
  spec.mutable_stop_policy()->set_signal("SIGNOPE");
  ExpectInvalid(spec, "spec.stop_policy.signal");
  spec = Spec("exit_with");
  spec.mutable_drain_grace()->set_nanos(2000000000);
  ExpectInvalid(spec, "spec.drain_grace");
}

TEST_F(BadInputE2e, TerminalsLimitsAndUsers) {
  const struct {
    std::function<void(v1::ProcessSpec&)> spoil;
    const char* field;
  } cases[] = {
      {[](auto& spec) { spec.mutable_pty(), spec.set_stdin_mode(v1::STDIO_MODE_PIPE); },
       "spec.stdin_mode"},
      {[](auto& spec) { spec.mutable_pty()->mutable_size()->set_rows(70000); },
       "spec.pty.size.rows"},
      {[](auto& spec) { spec.mutable_pty()->set_term(std::string("x\0y", 3)); }, "spec.pty.term"},
      {[](auto& spec) { spec.mutable_user()->set_user("no-such-user"); }, "spec.user.user"},
      {[](auto& spec) { spec.set_nice(20); }, "spec.nice"},
      {[](auto& spec) { spec.set_oom_score_adj(-1001); }, "spec.oom_score_adj"},
      {[](auto& spec) { spec.add_rlimits()->set_resource("locks"); }, "spec.rlimits[0].resource"},
      {[](auto& spec) {
         for (int i = 0; i < 2; ++i) spec.add_rlimits()->set_resource("core");
       },
       "spec.rlimits[1].resource"},
      {[](auto& spec) {
         spec.add_rlimits()->set_resource("core");
         spec.mutable_rlimits(0)->set_soft(2);
         spec.mutable_rlimits(0)->set_hard(1);
       },
       "spec.rlimits[0].soft"},
      {[](auto& spec) { spec.mutable_cgroup()->set_cpus(-1); }, "spec.cgroup.cpus"},
      {[](auto& spec) { spec.mutable_cgroup()->set_io_weight(10001); }, "spec.cgroup.io_weight"},
      {[](auto& spec) { spec.mutable_idle_timeout()->set_seconds(-1); }, "spec.idle_timeout"},
  };
  for (const auto& wrong : cases) {
    v1::ProcessSpec spec = Spec("exit_with");
    wrong.spoil(spec);
    const ErrorDetails details = StartError(spec);
    EXPECT_EQ(details.code, grpc::INVALID_ARGUMENT) << wrong.field;
    EXPECT_EQ(details.reason, "INVALID_FIELD") << wrong.field;
    EXPECT_EQ(details.metadata.at("field"), wrong.field);
    EXPECT_EQ(details.message.find(absl::StrCat(wrong.field, ": ")), 0u) << details.message;
    EXPECT_EQ(Details(RunAll(spec).status).metadata["field"], wrong.field);
  }
}

TEST_F(BadInputE2e, SpawnsThatCannotBe) {
  v1::ProcessSpec spec;
  spec.add_argv("/no/such");
  ErrorDetails details = StartError(spec);
  EXPECT_EQ(details.code, grpc::NOT_FOUND);
  EXPECT_EQ(details.reason, "EXECUTABLE_NOT_FOUND");
  EXPECT_EQ(details.metadata.at("errno_name"), "ENOENT");
  EXPECT_EQ(details.metadata.at("stage"), "exec");

  spec.set_argv(0, "/etc/passwd");
  details = StartError(spec);
  EXPECT_EQ(details.code, grpc::FAILED_PRECONDITION);
  EXPECT_EQ(details.reason, "EXECUTABLE_NOT_RUNNABLE");

  spec = Spec("exit_with");
  spec.set_cwd("/etc/passwd");
  details = StartError(spec);
  EXPECT_EQ(details.code, grpc::FAILED_PRECONDITION);
  EXPECT_EQ(details.reason, "WORKING_DIRECTORY_UNUSABLE");
  EXPECT_EQ(details.metadata.at("errno_name"), "ENOTDIR");
  EXPECT_EQ(details.metadata.at("stage"), "chdir");

  spec = Spec("exit_with");
  for (int i = 0; i < 48; ++i) spec.add_argv(std::string(65536, 'x'));  // 3 MiB
  details = StartError(spec);
  EXPECT_EQ(details.code, grpc::INVALID_ARGUMENT);
  EXPECT_EQ(details.reason, "ARGUMENTS_TOO_LONG");
  EXPECT_EQ(details.metadata.at("errno_name"), "E2BIG");
  EXPECT_EQ(details.metadata.at("field"), "spec.argv");
  EXPECT_EQ(Details(RunAll(spec).status).metadata["field"], "spec.argv");
}

TEST_F(BadInputE2e, UnknownIdsAndSignals) {
  EXPECT_EQ(StartError(Spec("exit_with"), "nope").reason, "SESSION_NOT_FOUND");
  const auto expect_no_process = [](const grpc::Status& status) {
    EXPECT_EQ(status.error_code(), grpc::NOT_FOUND);
    EXPECT_EQ(Details(status).reason, "PROCESS_NOT_FOUND");
  };
  {
    grpc::ClientContext context;
    v1::GetProcessRequest request;
    request.set_process_id("nope");
    v1::GetProcessResponse response;
    expect_no_process(processes_->GetProcess(&context, request, &response));
  }
  {
    grpc::ClientContext context;
    v1::WaitProcessRequest request;
    request.set_process_id("nope");
    v1::WaitProcessResponse response;
    expect_no_process(processes_->WaitProcess(&context, request, &response));
  }
  {
    grpc::ClientContext context;
    v1::WriteStdinRequest request;
    request.set_process_id("nope");
    v1::WriteStdinResponse response;
    expect_no_process(processes_->WriteStdin(&context, request, &response));
  }
  expect_no_process(Attach("nope").status);
  {
    const v1::Process process = Start(Spec("wait_forever"));
    grpc::ClientContext context;
    v1::SignalProcessRequest request;
    request.set_process_id(process.process_id());
    request.set_signal("SIGNOPE");
    v1::SignalProcessResponse response;
    const auto details = Details(processes_->SignalProcess(&context, request, &response));
    EXPECT_EQ(details.code, grpc::INVALID_ARGUMENT);
    EXPECT_EQ(details.metadata.at("field"), "signal");
  }
}

TEST_F(BadInputE2e, Paging) {
  v1::ListProcessesRequest request;
  v1::ListProcessesResponse response;
  request.set_page_size(-1);
  grpc::ClientContext first;
  EXPECT_EQ(Details(processes_->ListProcesses(&first, request, &response)).metadata["field"],
            "page_size");
  request.set_page_size(1);
  request.set_page_token("forged");
  grpc::ClientContext second;
  EXPECT_EQ(Details(processes_->ListProcesses(&second, request, &response)).metadata["field"],
            "page_token");
  // The token belongs to another filter.
  Start(Spec("exit_with", {"0"}));
  Start(Spec("exit_with", {"0"}));
  request.clear_page_token();
  grpc::ClientContext third;
  ASSERT_TRUE(processes_->ListProcesses(&third, request, &response).ok());
  ASSERT_FALSE(response.next_page_token().empty());
  request.set_page_token(response.next_page_token());
  (*request.mutable_labels())["a"] = "b";
  grpc::ClientContext fourth;
  EXPECT_EQ(Details(processes_->ListProcesses(&fourth, request, &response)).metadata["field"],
            "page_token");
}

// Returns the peak resident memory of a process, in bytes.
uint64_t PeakMemoryOf(pid_t pid) {
  std::ifstream status(absl::StrCat("/proc/", pid, "/status"));
  uint64_t kilobytes = 0;
  for (std::string word; status >> word;) {
    if (word == "VmHWM:") status >> kilobytes;
  }
  return kilobytes * 1024;
}

// 64 MiB, compressed to about 64 KiB.
TEST_F(BadInputE2e, CompressedCallsAreRefusedAndNotInflated) {
  constexpr uint64_t kBomb = 64 << 20;
  v1::ProcessSpec spec = Spec("exit_with", {"0"});
  spec.add_argv(std::string(kBomb, 'x'));
  const uint64_t before = PeakMemoryOf(server_.pid());
  ASSERT_GT(before, 0u);
  for (const auto algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    grpc::ClientContext unary;
    unary.set_compression_algorithm(algorithm);
    v1::StartProcessRequest start;
    *start.mutable_spec() = spec;
    v1::StartProcessResponse started;
    EXPECT_EQ(processes_->StartProcess(&unary, start, &started).error_code(), grpc::UNIMPLEMENTED);

    grpc::ClientContext streaming;
    streaming.set_compression_algorithm(algorithm);
    auto stream = processes_->RunProcess(&streaming);
    v1::RunProcessRequest run;
    *run.mutable_start()->mutable_spec() = spec;
    stream->Write(run);
    EXPECT_EQ(stream->Finish().error_code(), grpc::UNIMPLEMENTED);
  }
  EXPECT_LT(PeakMemoryOf(server_.pid()) - before, kBomb / 2);
}

TEST_F(BadInputE2e, StreamsThatBeginWrongly) {
  EXPECT_EQ(RunError({}).metadata["field"], "request");
  v1::RunProcessRequest input;
  input.mutable_input()->mutable_stdin()->set_data("x");
  EXPECT_EQ(RunError({input}).metadata["field"], "request");
  v1::RunProcessRequest empty_start;
  empty_start.mutable_start();
  EXPECT_EQ(RunError({empty_start}).metadata["field"], "start.spec");
  v1::RunProcessRequest start;
  *start.mutable_start()->mutable_spec() = Spec("wait_forever");
  EXPECT_EQ(RunError({start, start}).metadata["field"], "request");
}

TEST_F(BadInputE2e, StdinAfterItsEnd) {
  v1::RunProcessRequest start;
  *start.mutable_start()->mutable_spec() = Spec("wait_forever");
  start.mutable_start()->mutable_spec()->set_stdin_mode(v1::STDIO_MODE_PIPE);
  v1::RunProcessRequest close;
  close.mutable_input()->set_close_stdin(true);
  v1::RunProcessRequest data;
  data.mutable_input()->mutable_stdin()->set_data("late");
  ErrorDetails details = RunError({start, close, data});
  EXPECT_EQ(details.code, grpc::FAILED_PRECONDITION);
  EXPECT_EQ(details.reason, "STDIN_CLOSED");

  v1::ProcessSpec spec = Spec("wait_forever");
  spec.set_stdin_mode(v1::STDIO_MODE_PIPE);
  const v1::Process process = Start(spec);
  v1::WriteStdinRequest request;
  request.set_process_id(process.process_id());
  request.set_eof(true);
  v1::WriteStdinResponse response;
  grpc::ClientContext first;
  EXPECT_TRUE(processes_->WriteStdin(&first, request, &response).ok());
  request.set_data("late");
  grpc::ClientContext second;
  details = Details(processes_->WriteStdin(&second, request, &response));
  EXPECT_EQ(details.code, grpc::FAILED_PRECONDITION);
  EXPECT_EQ(details.reason, "STDIN_CLOSED");

  // A process without a pipe.
  v1::RunProcessRequest plain;
  *plain.mutable_start()->mutable_spec() = Spec("wait_forever");
  EXPECT_EQ(RunError({plain, data}).reason, "STDIN_NOT_PIPED");
}

TEST_F(BadInputE2e, SizesOfATerminalThatIsThere) {
  v1::RunProcessRequest start;
  *start.mutable_start()->mutable_spec() = Spec("wait_forever");
  start.mutable_start()->mutable_spec()->mutable_pty();
  v1::RunProcessRequest resize;
  resize.mutable_input()->mutable_resize()->set_rows(70000);
  const ErrorDetails details = RunError({start, resize});
  EXPECT_EQ(details.code, grpc::INVALID_ARGUMENT);
  EXPECT_EQ(details.metadata.at("field"), "input.resize.rows");
  EXPECT_EQ(details.message, "input.resize.rows: is outside 1 to 65535");
}

TEST_F(BadInputE2e, OffsetsBeyondWhatThereIs) {
  const v1::Process process = Start(Spec("spew", {"100", "0"}));
  Wait(process.process_id());
  const ErrorDetails details = Details(Attach(process.process_id(), 101).status);
  EXPECT_EQ(details.code, grpc::OUT_OF_RANGE);
  EXPECT_EQ(details.reason, "OFFSET_OUT_OF_RANGE");
  EXPECT_EQ(details.metadata.at("field"), "from.offsets.stdout_offset");
  EXPECT_EQ(details.message, "from.offsets.stdout_offset: 101 is beyond the end at 100");
}

}  // namespace
}  // namespace proctor
