#include "tests/e2e/server_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace proctor {

ServerProcess::ServerProcess(const std::vector<std::string>& flags, const Place& place) {
  char name[] = "/tmp/proctor-e2e-XXXXXX";
  directory_ = ::mkdtemp(name);
  int ready[2];
  EXPECT_EQ(::pipe(ready), 0);
  ::fcntl(ready[0], F_SETFD, FD_CLOEXEC);
  std::vector<std::string> arguments = place.through;
  for (const std::string& argument :
       {std::string(PROCTORD), "--listen=" + target(), std::string("--log-level=warning"),
        "--state-dir=" + state_dir(), absl::StrCat("--ready-fd=", ready[1])}) {
    arguments.push_back(argument);
  }
  // Descriptors() looks into it, which else is root's alone.
  if (::geteuid() != 0) arguments.push_back("--dumpable");
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  if (place.own_session || !place.terminal.empty()) {
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  }
  if (!place.terminal.empty()) {  // becomes that of the session by being opened
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, place.terminal.c_str(), O_RDWR, 0);
  }
  if (place.log_fd >= 0) {
    ::posix_spawn_file_actions_adddup2(&actions, place.log_fd, STDERR_FILENO);
  }
  EXPECT_EQ(::posix_spawn(&pid_, argv[0], &actions, &attributes, argv.data(), environ), 0);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ready[1]);
  char text[6];
  EXPECT_EQ(::read(ready[0], text, sizeof text), 6) << "the server did not get ready";
  ::close(ready[0]);
}

ServerProcess::~ServerProcess() {
  if (pid_ != 0) {
    EXPECT_EQ(End(SIGTERM), 0) << "the server did not end well";
  }
  std::filesystem::remove_all(directory_);
}

std::shared_ptr<grpc::Channel> ServerProcess::NewChannel(grpc::ChannelArguments arguments) const {
  arguments.SetMaxReceiveMessageSize(16 << 20);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
  return grpc::CreateCustomChannel(target(), grpc::InsecureChannelCredentials(), arguments);
}

int ServerProcess::End(int signal) {
  ::kill(pid_, signal);
  return Await();
}

int ServerProcess::Await() {
  int status = 0;
  EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
  pid_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::vector<std::string> ServerProcess::Descriptors() const {
  std::vector<std::string> descriptors;
  for (const auto& entry :
       std::filesystem::directory_iterator(absl::StrCat("/proc/", pid_, "/fd"))) {
    std::error_code error;
    const std::string link = std::filesystem::read_symlink(entry.path(), error).string();
    if (!error && !absl::StartsWith(link, "socket:")) descriptors.push_back(link);
  }
  std::sort(descriptors.begin(), descriptors.end());
  return descriptors;
}

size_t ServerProcess::CountChildren() const {
  size_t count = 0;
  for (const auto& task :
       std::filesystem::directory_iterator(absl::StrCat("/proc/", pid_, "/task"))) {
    std::ifstream file(task.path() / "children");
    for (pid_t pid; file >> pid;) ++count;
  }
  return count;
}

ErrorDetails Details(const grpc::Status& status) {
  ErrorDetails result;
  result.code = status.error_code();
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return result;
  google::rpc::ErrorInfo info;
  for (const auto& detail : details.details()) {
    if (!detail.UnpackTo(&info)) continue;
    EXPECT_EQ(info.domain(), "proctor");
    result.reason = info.reason();
    result.metadata.insert(info.metadata().begin(), info.metadata().end());
  }
  return result;
}

v1::ProcessSpec E2eTest::Spec(const std::string& program,
                              const std::vector<std::string>& arguments) {
  v1::ProcessSpec spec;
  spec.add_argv(absl::StrCat(PROCTOR_TEST_PROGRAMS, "/", program));
  for (const std::string& argument : arguments) spec.add_argv(argument);
  return spec;
}

v1::ProcessSpec E2eTest::Shell(const std::string& script) {
  v1::ProcessSpec spec;
  for (const char* word : {"/bin/sh", "-c", script.c_str()}) spec.add_argv(word);
  return spec;
}

v1::Process E2eTest::Start(const v1::ProcessSpec& spec, const std::string& session_id) {
  grpc::ClientContext context;
  v1::StartProcessRequest request;
  request.set_session_id(session_id);
  *request.mutable_spec() = spec;
  v1::StartProcessResponse response;
  const grpc::Status status = processes_->StartProcess(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.process();
}

v1::Process E2eTest::Wait(const std::string& process_id, v1::WaitUntil until) {
  grpc::ClientContext context;
  v1::WaitProcessRequest request;
  request.set_process_id(process_id);
  request.set_until(until);
  v1::WaitProcessResponse response;
  const grpc::Status status = processes_->WaitProcess(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.process();
}

v1::Process E2eTest::AwaitReaped(const std::string& process_id) {
  Wait(process_id);
  // An exit is told before the child is reaped: once more through the session's thread.
  return Wait(process_id);
}

void E2eTest::Note(const v1::StreamMessage& message, Transcript& transcript) {
  std::string kind;
  switch (message.message_case()) {
    case v1::StreamMessage::kStarted:
      kind = "started";
      break;
    case v1::StreamMessage::kOutput: {
      const bool out = message.output().stream() == v1::STREAM_STDOUT;
      std::string& text = out ? transcript.out : transcript.err;
      kind = out ? "out" : "err";
      text += message.output().data();
      break;
    }
    case v1::StreamMessage::kOutputGap:
      kind = "gap";
      transcript.gaps.push_back(message.output_gap());
      break;
    case v1::StreamMessage::kStreamEof:
      kind = message.stream_eof().stream() == v1::STREAM_STDOUT ? "out-eof" : "err-eof";
      break;
    case v1::StreamMessage::kExited:
      kind = "exited";
      transcript.exit_status = message.exited().exit_status();
      break;
    case v1::StreamMessage::kOutputDrained:
      kind = "drained";
      transcript.drained = message.output_drained();
      break;
    case v1::StreamMessage::kStdinClosed:
      kind = "stdin-closed";
      break;
    default:
      return;  // heartbeats and acknowledgements come when they like
  }
  if (transcript.order.empty() || transcript.order.back() != kind) {
    transcript.order.push_back(kind);
  }
}

E2eTest::Transcript E2eTest::RunAll(const v1::ProcessSpec& spec, const std::string& input) {
  grpc::ClientContext context;
  auto stream = processes_->RunProcess(&context);
  v1::RunProcessRequest request;
  *request.mutable_start()->mutable_spec() = spec;
  stream->Write(request);
  for (size_t at = 0; at < input.size(); at += 65536) {
    v1::RunProcessRequest data;
    data.mutable_input()->mutable_stdin()->set_data(input.substr(at, 65536));
    if (!stream->Write(data)) break;
  }
  stream->WritesDone();
  return ReadAll<v1::RunProcessResponse>(*stream);
}

E2eTest::Transcript E2eTest::Attach(const std::string& process_id, uint64_t stdout_offset) {
  grpc::ClientContext context;
  auto stream = processes_->AttachProcess(&context);
  v1::AttachProcessRequest request;
  request.mutable_attach()->set_process_id(process_id);
  request.mutable_attach()->mutable_from()->mutable_offsets()->set_stdout_offset(stdout_offset);
  stream->Write(request);
  stream->WritesDone();
  return ReadAll<v1::AttachProcessResponse>(*stream);
}

}  // namespace proctor
