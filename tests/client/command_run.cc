#include "tests/client/command_run.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "core/flags/argument_pointers.h"

extern char** environ;

namespace proctor::testing {
namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
    read_end = ends[0];
    write_end = ends[1];
  }
  int read_end;
  int write_end;
};

}  // namespace

std::vector<std::string> CommandOptions::Argv(const std::string& command) const {
  std::vector<std::string> argv;
  if (!by_shell.empty()) argv = {"/bin/sh", "-c", by_shell, "sh"};
  argv.push_back(command);
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

CommandRun::CommandRun(const CommandOptions& options) {
  // A write to a command that has ended is looked at where it is made.
  ::signal(SIGPIPE, SIG_IGN);
  std::vector<std::string> argv = options.Argv(PROCTOR_COMMAND);
  std::vector<std::string> environment = options.environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!absl::StartsWith(*variable, "PROCTOR_")) environment.push_back(*variable);
  }
  const Pipe in, out, err;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.read_end, STDIN_FILENO);
  if (options.stdout_path.empty()) {
    posix_spawn_file_actions_adddup2(&actions, out.write_end, STDOUT_FILENO);
  } else {
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, options.stdout_path.c_str(), O_WRONLY,
                                     0);
  }
  posix_spawn_file_actions_adddup2(&actions, err.write_end, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  for (int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) sigaddset(&defaults, number);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  if (posix_spawn(&pid_, argv[0].c_str(), &actions, &attributes, ArgumentPointers(&argv).data(),
                  ArgumentPointers(&environment).data()) != 0) {
    std::abort();
  }
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  close(in.read_end);
  close(out.write_end);
  close(err.write_end);
  stdin_ = in.write_end;
  stdout_.Start(out.read_end);
  stderr_.Start(err.read_end);
}

CommandRun::~CommandRun() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    Wait();
  }
  CloseStdin();
}

void CommandRun::WriteStdin(const std::string& data) {
  std::string_view rest = data;
  while (!rest.empty()) {
    const ssize_t size = write(stdin_, rest.data(), rest.size());
    if (size < 0) return;
    rest.remove_prefix(static_cast<size_t>(size));
  }
}

void CommandRun::CloseStdin() {
  if (stdin_ >= 0) close(std::exchange(stdin_, -1));
}

void CommandRun::Signal(int number) { kill(pid_, number); }

long CommandRun::PeakKilobytes() const {
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  std::string word;
  while (status >> word && word != "VmHWM:") {
  }
  long kilobytes = -1;
  status >> kilobytes;
  return kilobytes;
}

int CommandRun::Wait() {
  CloseStdin();
  return WaitWithOpenStdin();
}

int CommandRun::WaitWithOpenStdin() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  stdout_.Join();
  stderr_.Join();
  signal_ = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace proctor::testing
