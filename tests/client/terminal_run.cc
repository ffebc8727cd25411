#include "tests/client/terminal_run.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "core/flags/argument_pointers.h"

extern char** environ;

namespace proctor::testing {
namespace {

bool SameModes(const termios& a, const termios& b) {
  return a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag && a.c_cflag == b.c_cflag &&
         a.c_lflag == b.c_lflag &&
         std::string_view(reinterpret_cast<const char*>(a.c_cc), NCCS) ==
             std::string_view(reinterpret_cast<const char*>(b.c_cc), NCCS);
}

}  // namespace

TerminalRun::TerminalRun(const CommandOptions& options, int rows, int columns) {
  winsize size = {};
  size.ws_row = static_cast<unsigned short>(rows);
  size.ws_col = static_cast<unsigned short>(columns);
  int slave = -1;
  int report[2], control[2];
  // The name of the slave is not needed: the shell gets it as its stdin.
  if (openpty(&master_, &slave, nullptr, nullptr, &size) != 0 || pipe(report) != 0 ||
      pipe(control) != 0) {
    std::abort();
  }
  for (const int mine : {master_, report[0], control[1]}) fcntl(mine, F_SETFD, FD_CLOEXEC);
  tcgetattr(master_, &before_);

  std::vector<std::string> argv = options.Argv(PROCTOR_COMMAND);
  argv.insert(argv.begin(), {JOB_SHELL, std::to_string(report[1]), std::to_string(control[0])});
  std::vector<std::string> environment = options.environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!absl::StartsWith(*variable, "PROCTOR_") && !absl::StartsWith(*variable, "TERM=")) {
      environment.push_back(*variable);
    }
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    posix_spawn_file_actions_adddup2(&actions, slave, standard);
  }
  posix_spawn_file_actions_addclose(&actions, slave);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  if (posix_spawn(&shell_, JOB_SHELL, &actions, &attributes, ArgumentPointers(&argv).data(),
                  ArgumentPointers(&environment).data()) != 0) {
    std::abort();
  }
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  close(slave);
  close(report[1]);
  close(control[0]);
  report_ = report[0];
  control_ = control[1];
  command_ = NextReport();
  screen_.Start(fcntl(master_, F_DUPFD_CLOEXEC, 0));
}

TerminalRun::~TerminalRun() {
  if (!ended_) kill(command_, SIGKILL);
  close(control_);
  while (waitpid(shell_, nullptr, 0) < 0 && errno == EINTR) {
  }
  HangUp();
  close(report_);
}

int TerminalRun::NextReport() {
  int value = 0;
  if (read(report_, &value, sizeof(value)) != static_cast<ssize_t>(sizeof(value))) std::abort();
  return value;
}

void TerminalRun::Type(const std::string& keys) {
  std::string_view rest = keys;
  while (!rest.empty()) {
    const ssize_t size = write(master_, rest.data(), rest.size());
    if (size < 0) return;
    rest.remove_prefix(static_cast<size_t>(size));
  }
}

void TerminalRun::Resize(int rows, int columns) {
  winsize size = {};
  size.ws_row = static_cast<unsigned short>(rows);
  size.ws_col = static_cast<unsigned short>(columns);
  ioctl(master_, TIOCSWINSZ, &size);
}

void TerminalRun::Signal(int number) const { kill(command_, number); }

void TerminalRun::HangUp() {
  if (master_ < 0) return;
  screen_.Close();
  close(std::exchange(master_, -1));
}

bool TerminalRun::IsAsBefore() const {
  termios now = {};
  return tcgetattr(master_, &now) == 0 && SameModes(now, before_);
}

bool TerminalRun::IsRaw() const {
  termios now = {};
  return tcgetattr(master_, &now) == 0 && (now.c_lflag & (ICANON | ECHO | ISIG)) == 0 &&
         (now.c_oflag & OPOST) == 0;
}

bool TerminalRun::WaitForStop() { return WIFSTOPPED(NextReport()); }

void TerminalRun::Continue() {
  if (write(control_, "c", 1) != 1) std::abort();
}

int TerminalRun::Wait() {
  const int status = NextReport();
  ended_ = true;
  screen_.CatchUp();
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace proctor::testing
