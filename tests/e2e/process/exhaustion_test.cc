// A machine that runs out of what a spawn needs. The error names what is short, running processes
// are unharmed, and starts succeed again when there is more.

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/e2e/harness/e2e_test.h"
#include "tests/e2e/process/echo.h"

namespace proctor {
namespace {

constexpr int kMostStarts = 200;
constexpr absl::Duration kRelief = absl::Seconds(5);

// A user of no other process, nor of the test before.
uid_t NewUser() {
  static uid_t users = 0;
  return 700000000 + 10000000 * ++users + static_cast<uid_t>(::getpid());
}

// How a start is refused when something is short.
struct Shortage {
  const char* error;
  const char* error_name;
  const char* stages;  // a regular expression
};

class ExhaustionE2e : public E2eTest {
 protected:
  static grpc::Status TryStart(v1::ProcessService::Stub& stub, const v1::ProcessSpec& spec,
                               std::vector<std::string>& started) {
    grpc::ClientContext context;
    v1::StartProcessRequest request;
    *request.mutable_spec() = spec;
    v1::StartProcessResponse response;
    const grpc::Status status = stub.StartProcess(&context, request, &response);
    if (status.ok()) started.push_back(response.process().process_id());
    return status;
  }

  // Starts processes until a start is refused. Checks the error.
  static void StartUntilRefused(v1::ProcessService::Stub& stub, const v1::ProcessSpec& spec,
                                const Shortage& shortage, std::vector<std::string>& started) {
    grpc::Status status;
    for (int i = 0; status.ok() && i < kMostStarts; ++i) status = TryStart(stub, spec, started);
    auto details = Details(status);
    EXPECT_EQ(details.code, grpc::RESOURCE_EXHAUSTED) << status.error_message();
    EXPECT_EQ(details.reason, "SPAWN_RESOURCES");
    EXPECT_EQ(details.metadata["errno"], shortage.error);
    EXPECT_EQ(details.metadata["errno_name"], shortage.error_name);
    EXPECT_THAT(details.metadata["stage"], testing::MatchesRegex(shortage.stages));
  }

  // Expects a start to succeed again, soon after the relief.
  static void ExpectRelief(v1::ProcessService::Stub& stub, const v1::ProcessSpec& spec,
                           std::vector<std::string>& started) {
    const absl::Time deadline = absl::Now() + kRelief;
    grpc::Status status;
    do {
      status = TryStart(stub, spec, started);
    } while (!status.ok() && absl::Now() < deadline);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }

  static void EndOne(v1::ProcessService::Stub& stub, std::vector<std::string>& started) {
    ASSERT_FALSE(started.empty());
    grpc::ClientContext context;
    v1::StopProcessRequest request;
    request.set_process_id(started.back());
    request.mutable_stop_policy()->set_signal("KILL");
    v1::StopProcessResponse response;
    const grpc::Status status = stub.StopProcess(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    started.pop_back();
  }

  static void ExpectAllRunning(v1::ProcessService::Stub& stub,
                               const std::vector<std::string>& started) {
    for (const std::string& id : started) {
      grpc::ClientContext context;
      v1::GetProcessRequest request;
      request.set_process_id(id);
      v1::GetProcessResponse response;
      ASSERT_TRUE(stub.GetProcess(&context, request, &response).ok());
      EXPECT_EQ(response.process().state(), v1::PROCESS_STATE_RUNNING);
    }
  }

  // Sets a limit of a running server, as its user may do. Acts as that user, since root may lack
  // the right. Returns the limit before.
  static rlim_t SetSoftLimit(pid_t pid, __rlimit_resource resource, rlim_t soft) {
    struct stat owner;
    EXPECT_EQ(::stat(absl::StrCat("/proc/", pid).c_str(), &owner), 0);
    // The system calls change this thread alone. libc's functions change all threads.
    const uid_t uid = ::geteuid();
    const gid_t gid = ::getegid();
    EXPECT_EQ(::syscall(SYS_setresgid, owner.st_gid, owner.st_gid, gid), 0);
    EXPECT_EQ(::syscall(SYS_setresuid, owner.st_uid, owner.st_uid, uid), 0);
    rlimit limit;
    EXPECT_EQ(::prlimit(pid, resource, nullptr, &limit), 0) << std::strerror(errno);
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = soft;
    EXPECT_EQ(::prlimit(pid, resource, &limit, nullptr), 0) << std::strerror(errno);
    EXPECT_EQ(::syscall(SYS_setresuid, uid, uid, uid), 0);
    EXPECT_EQ(::syscall(SYS_setresgid, gid, gid, gid), 0);
    return before;
  }

  // Lowers a limit of a running server, so that it soon reaches the limit, and raises it again.
  static void RunOutAndRecover(v1::ProcessService::Stub& stub, pid_t server,
                               __rlimit_resource resource, rlim_t soft, const Shortage& shortage) {
    const v1::ProcessSpec spec = Spec("wait_forever");
    Echo echo(stub, Spec("copy_stdin"));
    std::vector<std::string> started;
    const rlim_t before = SetSoftLimit(server, resource, soft);
    for (int round = 0; round < 3 && !HasFailure(); ++round) {
      StartUntilRefused(stub, spec, shortage, started);
      for (int i = 0; i < 20 && !HasFailure(); ++i) {
        StartUntilRefused(stub, spec, shortage, started);
      }
      echo.Ask(absl::StrCat("during shortage ", round));
      ExpectAllRunning(stub, started);
      // Ends several, since a spawn needs more than a process keeps.
      for (int i = 0; i < 3; ++i) EndOne(stub, started);
      ExpectRelief(stub, spec, started);
      echo.Ask(absl::StrCat("after relief ", round));
    }
    StartUntilRefused(stub, spec, shortage, started);
    SetSoftLimit(server, resource, before);
    const size_t least = started.size() + 5;
    for (size_t i = started.size(); i < least; ++i) ExpectRelief(stub, spec, started);
    ExpectAllRunning(stub, started);
    echo.Ask("after all");
    EXPECT_EQ(echo.Finish(), 0);
    while (!started.empty()) EndOne(stub, started);
  }
};

// conformance 100
TEST_F(ExhaustionE2e, OutOfDescriptors) {
  RunAll(Spec("exit_with"));  // makes what all starts share
  AwaitReaped(Start(Spec("exit_with")).process_id());
  [[maybe_unused]] const size_t descriptors = server_.Descriptors().size();
  const auto fds =
      std::filesystem::directory_iterator(absl::StrCat("/proc/", server_.pid(), "/fd"));
  const auto open = std::distance(begin(fds), end(fds));
  RunOutAndRecover(*processes_, server_.pid(), RLIMIT_NOFILE, static_cast<rlim_t>(open) + 30,
                   {"24", "EMFILE", "pipe|cgroup|clone"});
  AwaitReaped(Start(Spec("exit_with")).process_id());  // and with it all others
#if !defined(__SANITIZE_ADDRESS__)  // which now and then looks at memory through a pipe
  EXPECT_EQ(server_.Descriptors().size(), descriptors);
#endif
}

// A server of a user without other processes. The test's server runs it.
class UserServerE2e : public ExhaustionE2e {
 protected:
  ~UserServerE2e() override {
    if (::geteuid() != 0) return;
    // Ends all that the user still runs, also when the server has failed.
    const pid_t killer = ::fork();
    if (killer == 0) {
      if (::setresuid(user_, user_, user_) == 0) ::kill(-1, SIGKILL);
      ::_exit(0);
    }
    ::waitpid(killer, nullptr, 0);
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

  v1::ProcessSpec AsNobodyElse(v1::ProcessSpec spec) const {
    spec.mutable_user()->set_user(absl::StrCat(user_));
    spec.mutable_user()->set_group(absl::StrCat(user_));
    return spec;
  }

  // Returns why it did not start, or "".
  std::string StartUserServer() {
    char name[] = "/tmp/proctor-e2e-XXXXXX";
    directory_ = ::mkdtemp(name);
    if (::chown(name, user_, user_) != 0) return "chown failed";
    v1::ProcessSpec spec;
    spec.add_argv(PROCTORD);
    spec.add_argv("--listen=unix:" + directory_ + "/socket");
    spec.add_argv("--state-dir=" + directory_ + "/state");
    for (const char* flag : {"--ready-fd=1", "--log-level=warning", "--cgroup=none"}) {
      spec.add_argv(flag);
    }
#if defined(__SANITIZE_ADDRESS__)
    // gRPC (1.51) leaks what it prepared for a timer thread that it could not make. The stack ends
    // in its allocator, which only gRPC uses.
    const std::string known = directory_ + "/known_leaks";
    std::ofstream(known) << "leak:gpr_malloc\n";
    (*spec.mutable_env())["LSAN_OPTIONS"] = "suppressions=" + known;
#endif
    std::vector<std::string> started;
    const grpc::Status status = TryStart(*processes_, AsNobodyElse(spec), started);
    if (!status.ok()) return status.error_message();
    server_id_ = started.back();
    grpc::ClientContext context;
    v1::ReadOutputRequest request;
    request.set_process_id(started.back());
    request.set_follow(true);
    auto output = processes_->ReadOutput(&context, request);
    v1::ReadOutputResponse response;
    std::string said;
    while (said != "READY\n" && output->Read(&response)) {
      if (response.message().has_started()) pid_ = response.message().started().process().pid();
      said += response.message().output().data();
    }
    context.TryCancel();
    EXPECT_EQ(said, "READY\n");
    user_stub_ = v1::ProcessService::NewStub(
        grpc::CreateChannel("unix:" + directory_ + "/socket", grpc::InsecureChannelCredentials()));
    return "";
  }

  // Counts the tasks of a server and its children, as the kernel does for a user.
  static rlim_t CountTasks(pid_t pid) {
    rlim_t count = 0;
    for (const auto& task :
         std::filesystem::directory_iterator(absl::StrCat("/proc/", pid, "/task"))) {
      ++count;
      std::ifstream children(task.path() / "children");
      for (pid_t child; children >> child;) ++count;
    }
    return count;
  }

  const uid_t user_ = NewUser();
  std::string directory_;
  pid_t pid_ = 0;
  std::string server_id_;  // its process id in the test's server
  std::unique_ptr<v1::ProcessService::Stub> user_stub_;
};

// conformance 100
TEST_F(UserServerE2e, OutOfProcesses) {
  if (::geteuid() != 0) GTEST_SKIP() << "not root: no server of another user can be had";
  const std::string why = StartUserServer();
  if (why.find("Permission denied") != std::string::npos) GTEST_SKIP() << "not tested: " << why;
  ASSERT_EQ(why, "");
  std::vector<std::string> started;
  ExpectRelief(*user_stub_, Spec("wait_forever"), started);  // makes what all starts share
  // More than the threads that gRPC may make meanwhile on a busy machine.
  RunOutAndRecover(*user_stub_, pid_, RLIMIT_NPROC, CountTasks(pid_) + 16,
                   {"11", "EAGAIN", "clone"});

  // gRPC 1.51 counts a timer thread that it could not make. Its grpc_shutdown would wait for that
  // thread for ever.
  v1::SignalProcessRequest signal;
  signal.set_process_id(server_id_);
  signal.set_signal("TERM");
  v1::SignalProcessResponse signalled;
  grpc::ClientContext signal_context;
  EXPECT_TRUE(processes_->SignalProcess(&signal_context, signal, &signalled).ok());
  v1::WaitProcessRequest wait;
  wait.set_process_id(server_id_);
  wait.mutable_timeout()->set_seconds(60);
  v1::WaitProcessResponse ended;
  grpc::ClientContext wait_context;
  const grpc::Status waited = processes_->WaitProcess(&wait_context, wait, &ended);
  EXPECT_TRUE(waited.ok()) << waited.error_message();
  EXPECT_EQ(ended.process().exit_status().exit_code(), 0) << Attach(server_id_).err;
}

// The process has another user than the server. The kernel checks the limit at its exec.
TEST_F(UserServerE2e, AUserOutOfProcesses) {
  if (::geteuid() != 0) GTEST_SKIP() << "not root: no process of another user can be had";
  v1::ProcessSpec spec = AsNobodyElse(Spec("wait_forever"));
  v1::ResourceLimit* limit = spec.add_rlimits();
  limit->set_resource("nproc");
  limit->set_soft(3);
  limit->set_hard(3);
  Echo echo(*processes_, Spec("copy_stdin"));
  std::vector<std::string> started;
  for (int round = 0; round < 3 && !HasFailure(); ++round) {
    StartUntilRefused(*processes_, spec, {"11", "EAGAIN", "exec"}, started);
    EXPECT_GE(started.size(), 3u);
    EXPECT_LE(started.size(), 4u);  // the kernel checks before it counts
    echo.Ask("others are not concerned");
    ExpectAllRunning(*processes_, started);
    EndOne(*processes_, started);
    ExpectRelief(*processes_, spec, started);
  }
  EXPECT_EQ(echo.Finish(), 0);
}

}  // namespace
}  // namespace proctor
