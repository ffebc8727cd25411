#include "core/spawn/child_environment.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <string_view>

namespace proctor {
namespace {

using Environment = std::map<std::string, std::string>;

// The PATH of a child with no other: the one that systemd gives services.
constexpr char kDefaultPath[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// What is for this process alone. A program that found NOTIFY_SOCKET would speak for us, one
// that found JOURNAL_STREAM would take its stderr for the journal's. In the order of strcmp(3).
constexpr std::string_view kOwnVariables[] = {
    "CACHE_DIRECTORY",
    "CONFIGURATION_DIRECTORY",
    "CREDENTIALS_DIRECTORY",
    "FDSTORE",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "LOGS_DIRECTORY",
    "MAINPID",
    "MANAGERPID",
    "MANAGERPIDFDID",
    "MEMORY_PRESSURE_WATCH",
    "MEMORY_PRESSURE_WRITE",
    "NOTIFY_SOCKET",
    "OLDPWD",
    "PIDFILE",
    "PWD",  // told anew
    "RUNTIME_DIRECTORY",
    "STATE_DIRECTORY",
    "SYSTEMD_EXEC_PID",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
};
constexpr std::string_view kOwnPrefix = "PROCTOR_";

bool IsOurs(std::string_view name) {
  return name.starts_with(kOwnPrefix) ||
         std::binary_search(std::begin(kOwnVariables), std::end(kOwnVariables), name);
}

// The locale and language are the user's: they say nothing of this process.
bool IsOfTheLocale(std::string_view name) {
  return name == "TERM" || name == "LANG" || name == "LANGUAGE" || name.starts_with("LC_");
}

bool IsOfTheUser(std::string_view name) {
  return name == "HOME" || name == "USER" || name == "LOGNAME" || name == "SHELL";
}

// Adds those of this process's variables that `wanted` wants, where there is none yet.
void AddOwn(const std::function<bool(std::string_view)>& wanted, Environment& environment) {
  if (environ == nullptr) return;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable = *entry;
    const size_t equals = variable.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    const std::string_view name = variable.substr(0, equals);
    if (wanted(name)) environment.emplace(name, variable.substr(equals + 1));
  }
}

// Whether PWD could be such a path: absolute, without "." and ".." (environ(7), POSIX).
bool IsPlain(const std::string& path) {
  return path.starts_with('/') && (path + "/").find("/./") == std::string::npos &&
         (path + "/").find("/../") == std::string::npos;
}

// The name of a directory as PWD has it; nothing where that cannot be told.
std::optional<std::string> PlainPath(const std::string& directory) {
  if (IsPlain(directory)) return directory;
  char* const real = ::realpath(directory.c_str(), nullptr);
  if (real == nullptr) return std::nullopt;
  std::string path = real;
  ::free(real);
  return path;
}

// Our own PWD, if it is right: it has the symbolic links of the path, but is out of date if this
// process or one before it changed its directory.
std::optional<std::string> OwnPwd() {
  const char* const pwd = ::getenv("PWD");
  struct stat named, here;
  if (pwd == nullptr || !IsPlain(pwd) || ::stat(pwd, &named) != 0 || ::stat(".", &here) != 0 ||
      named.st_dev != here.st_dev || named.st_ino != here.st_ino) {
    return std::nullopt;
  }
  return pwd;
}

}  // namespace

std::string WorkingDirectoryOf(const Command& command) {
  if (command.cwd.empty() && command.other_user()) return "/";
  return command.cwd;
}

Environment EnvironmentOf(const Command& command, const Identity& identity) {
  Environment environment = command.env;
  if (command.terminal.has_value()) environment.emplace("TERM", command.terminal->term);
  if (identity.has_entry) {
    environment.emplace("USER", identity.name);
    environment.emplace("LOGNAME", identity.name);
    environment.emplace("HOME", identity.home);
    if (!identity.shell.empty()) environment.emplace("SHELL", identity.shell);
  }
  const EnvironmentBase base = command.environment_base();
  if (base == EnvironmentBase::kClear) return environment;
  const std::string directory = WorkingDirectoryOf(command);
  const auto pwd = directory.empty() ? OwnPwd() : PlainPath(directory);
  if (pwd.has_value()) environment.emplace("PWD", *pwd);
  if (base == EnvironmentBase::kInherit) {
    AddOwn([](std::string_view name) { return !IsOurs(name); }, environment);
    return environment;
  }
  environment.emplace("PATH", kDefaultPath);
  const bool own_user = !command.other_user();
  AddOwn(
      [own_user](std::string_view name) {
        return IsOfTheLocale(name) || (own_user && IsOfTheUser(name));
      },
      environment);
  return environment;
}

}  // namespace proctor
