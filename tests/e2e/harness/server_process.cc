#include "tests/e2e/harness/server_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/flags/argument_pointers.h"

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
  // Descriptors() reads its /proc. Without the flag only root may do that.
  if (::geteuid() != 0) arguments.push_back("--dumpable");
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  const std::vector<char*> argv = ArgumentPointers(&arguments);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  if (place.own_session || !place.terminal.empty()) {
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  }
  if (!place.terminal.empty()) {  // the open makes it that of the session
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

}  // namespace proctor
