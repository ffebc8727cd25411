#include "proctor/command.h"

#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/base/return_if_error.h"
#include "core/command/excerpt.h"
#include "proctor/error.h"

namespace proctor {
namespace {

constexpr size_t kMostLabels = 64;
constexpr size_t kLongestLabelKey = 63;
constexpr size_t kLongestProcessName = 63;
constexpr size_t kLongestLabelValue = 255;
constexpr mode_t kLargestUmask = 0777;
constexpr int kLargestSignal = 64;
constexpr int kLeastNice = -20;
constexpr int kMostNice = 19;
constexpr int kMostOomScoreAdj = 1000;
constexpr size_t kLongestTerm = 255;
constexpr size_t kMostGroups = 1024;
constexpr size_t kLongestName = 255;  // of a user or a group
constexpr uint64_t kLeastRetained = 4096;
constexpr uint64_t kMostRetained = 64 << 20;

bool HasNul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

bool IsLabelKey(std::string_view key) {
  if (key.empty() || key.size() > kLongestLabelKey) return false;
  for (unsigned char c : key) {
    if (!absl::ascii_isalnum(c) && c != '-' && c != '_' && c != '.' && c != '/') return false;
  }
  return true;
}

// The first character of an id is a digit (NewRandomId): none is ever taken for the other.
absl::Status ValidateName(std::string_view name) {
  if (name.empty()) return absl::OkStatus();
  if (!absl::ascii_isalpha(static_cast<unsigned char>(name[0]))) {
    return InvalidField("name", "does not begin with a letter");
  }
  if (name.size() > kLongestProcessName) {
    return InvalidField("name", absl::StrCat("is longer than ", kLongestProcessName, " bytes"));
  }
  for (const unsigned char c : name) {
    if (absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.') continue;
    return InvalidField("name", "has other characters than letters, digits, '-', '_' and '.'");
  }
  return absl::OkStatus();
}

absl::Status ValidateArguments(const std::vector<std::string>& argv) {
  if (argv.empty()) return InvalidField("argv", "is empty");
  if (argv[0].empty()) return InvalidField("argv", "the program's name is empty");
  for (size_t i = 0; i < argv.size(); ++i) {
    if (HasNul(argv[i])) return InvalidField(absl::StrCat("argv[", i, "]"), "contains a NUL");
  }
  return absl::OkStatus();
}

// Names a variable, never its value: values are secrets.
absl::Status ValidateEnvironment(const std::map<std::string, std::string>& env) {
  for (const auto& [name, value] : env) {
    if (name.empty()) return InvalidField("env", "a variable's name is empty");
    if (name.find('=') != std::string::npos) {
      return InvalidField("env",
                          absl::StrCat("the variable's name '", Excerpt(name), "' contains '='"));
    }
    if (HasNul(name)) {
      return InvalidField("env",
                          absl::StrCat("the variable's name '", Excerpt(name), "' contains a NUL"));
    }
    if (HasNul(value)) {
      return InvalidField(
          "env", absl::StrCat("the value of variable '", Excerpt(name), "' contains a NUL"));
    }
  }
  return absl::OkStatus();
}

absl::Status ValidateUser(const ProcessUser& user) {
  if (user.user.size() > kLongestName) {
    return InvalidField("user.user", absl::StrCat("is longer than ", kLongestName, " bytes"));
  }
  if (user.group.size() > kLongestName) {
    return InvalidField("user.group", absl::StrCat("is longer than ", kLongestName, " bytes"));
  }
  if (user.supplementary_groups.size() > kMostGroups) {
    return InvalidField("user.supplementary_groups",
                        absl::StrCat("has more than ", kMostGroups, " groups"));
  }
  for (const std::string& group : user.supplementary_groups) {
    if (group.size() <= kLongestName) continue;
    return InvalidField("user.supplementary_groups",
                        absl::StrCat("a name is longer than ", kLongestName, " bytes"));
  }
  return absl::OkStatus();
}

// What a node of std::map takes beside its two strings.
constexpr uint64_t kMapNodeBytes = 48;

uint64_t MemoryOf(const std::map<std::string, std::string>& map) {
  uint64_t bytes = 0;
  for (const auto& [key, value] : map) {
    bytes += kMapNodeBytes + 2 * sizeof(std::string) + key.size() + value.size();
  }
  return bytes;
}

uint64_t MemoryOf(const std::vector<std::string>& strings) {
  uint64_t bytes = 0;
  for (const std::string& string : strings) bytes += sizeof(std::string) + string.size();
  return bytes;
}

absl::Status ValidateTerminal(const std::optional<TerminalOptions>& terminal) {
  if (!terminal.has_value()) return absl::OkStatus();
  if (HasNul(terminal->term)) return InvalidField("terminal.term", "contains a NUL");
  if (terminal->term.size() > kLongestTerm) {
    return InvalidField("terminal.term", absl::StrCat("is longer than ", kLongestTerm, " bytes"));
  }
  return InMember("terminal.size", ValidateTerminalSize(terminal->size));
}

}  // namespace

uint64_t MemoryOf(const Command& command) {
  return sizeof command + MemoryOf(command.argv) + command.cwd.size() + MemoryOf(command.env) +
         MemoryOf(command.user.supplementary_groups) +
         command.rlimits.size() * sizeof(ResourceLimit) + MemoryOf(command.labels) +
         command.name.size();
}

absl::Status ValidateCommand(const Command& command) {
  RETURN_IF_ERROR(ValidateArguments(command.argv));
  RETURN_IF_ERROR(ValidateName(command.name));
  if (HasNul(command.cwd)) return InvalidField("cwd", "contains a NUL");
  RETURN_IF_ERROR(ValidateEnvironment(command.env));
  if (command.stdin_mode == StdioMode::kMerged) {
    return InvalidField("stdin_mode", "only stderr can be merged");
  }
  if (command.stdout_mode == StdioMode::kMerged) {
    return InvalidField("stdout_mode", "only stderr can be merged");
  }
  if (command.umask.has_value() && *command.umask > kLargestUmask) {
    return InvalidField("umask", "is greater than 0777");
  }
  RETURN_IF_ERROR(ValidateTerminal(command.terminal));
  RETURN_IF_ERROR(ValidateUser(command.user));
  if (command.nice < kLeastNice || command.nice > kMostNice) {
    return InvalidField("nice", absl::StrCat("is outside ", kLeastNice, " to ", kMostNice));
  }
  if (command.oom_score_adj.has_value() &&
      (*command.oom_score_adj < -kMostOomScoreAdj || *command.oom_score_adj > kMostOomScoreAdj)) {
    return InvalidField("oom_score_adj",
                        absl::StrCat("is outside ", -kMostOomScoreAdj, " to ", kMostOomScoreAdj));
  }
  RETURN_IF_ERROR(InMember("rlimits", ValidateResourceLimits(command.rlimits)));
  RETURN_IF_ERROR(InMember("cgroup", ValidateCgroupLimits(command.cgroup)));
  if (command.run_timeout <= absl::ZeroDuration()) {
    return InvalidField("run_timeout", "is not positive");
  }
  if (command.idle_timeout <= absl::ZeroDuration()) {
    return InvalidField("idle_timeout", "is not positive");
  }
  if (command.drain_grace < absl::ZeroDuration()) {
    return InvalidField("drain_grace", "is negative");
  }
  if (command.stop_policy.signal < 1 || command.stop_policy.signal > kLargestSignal) {
    return InvalidField("stop_policy.signal", "is not a signal");
  }
  if (command.stop_policy.grace < absl::ZeroDuration()) {
    return InvalidField("stop_policy.grace", "is negative");
  }
  RETURN_IF_ERROR(ValidateRetention(command.retain_bytes));
  return ValidateLabels(command.labels);
}

absl::Status ValidateRetention(uint64_t retain_bytes) {
  if (retain_bytes >= kLeastRetained && retain_bytes <= kMostRetained) return absl::OkStatus();
  return InvalidField("retain_bytes",
                      absl::StrCat("is outside ", kLeastRetained, " to ", kMostRetained));
}

absl::Status ValidateLabels(const std::map<std::string, std::string>& labels) {
  if (labels.size() > kMostLabels) {
    return InvalidField("labels", absl::StrCat("has more than ", kMostLabels, " labels"));
  }
  for (const auto& [key, value] : labels) {
    if (!IsLabelKey(key)) {
      return InvalidField(
          "labels", absl::StrCat("the key '", Excerpt(key), "' is not 1 to ", kLongestLabelKey,
                                 " bytes of letters, digits, '-', '_', '.' and '/'"));
    }
    if (value.size() > kLongestLabelValue) {
      return InvalidField("labels", absl::StrCat("the value of '", key, "' is longer than ",
                                                 kLongestLabelValue, " bytes"));
    }
    if (HasNul(value)) {
      return InvalidField("labels", absl::StrCat("the value of '", key, "' contains a NUL"));
    }
  }
  return absl::OkStatus();
}

bool KeepsOutput(const Command& command) {
  return command.terminal.has_value() || command.stdout_mode == StdioMode::kPipe ||
         command.stderr_mode == StdioMode::kPipe;
}

}  // namespace proctor
