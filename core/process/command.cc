#include "core/process/command.h"

#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/process/excerpt.h"

namespace proctor {
namespace {

constexpr size_t kMostLabels = 64;
constexpr size_t kLongestLabelKey = 63;
constexpr size_t kLongestLabelValue = 255;
constexpr mode_t kLargestUmask = 0777;
constexpr int kLargestSignal = 64;
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

absl::Status ValidateArguments(const std::vector<std::string>& argv) {
  if (argv.empty()) return InvalidField("spec.argv", "is empty");
  if (argv[0].empty()) return InvalidField("spec.argv", "the program's name is empty");
  for (size_t i = 0; i < argv.size(); ++i) {
    if (HasNul(argv[i])) return InvalidField(absl::StrCat("spec.argv[", i, "]"), "contains a NUL");
  }
  return absl::OkStatus();
}

// Names a variable, never its value: values are secrets.
absl::Status ValidateEnvironment(const std::map<std::string, std::string>& env) {
  for (const auto& [name, value] : env) {
    if (name.empty()) return InvalidField("spec.env", "a variable's name is empty");
    if (name.find('=') != std::string::npos) {
      return InvalidField("spec.env",
                          absl::StrCat("the variable's name '", Excerpt(name), "' contains '='"));
    }
    if (HasNul(name)) {
      return InvalidField("spec.env",
                          absl::StrCat("the variable's name '", Excerpt(name), "' contains a NUL"));
    }
    if (HasNul(value)) {
      return InvalidField(
          "spec.env", absl::StrCat("the value of variable '", Excerpt(name), "' contains a NUL"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateCommand(const Command& command) {
  if (auto status = ValidateArguments(command.argv); !status.ok()) return status;
  if (HasNul(command.cwd)) return InvalidField("spec.cwd", "contains a NUL");
  if (auto status = ValidateEnvironment(command.env); !status.ok()) return status;
  if (command.stdin_mode == StdioMode::kMerged) {
    return InvalidField("spec.stdin_mode", "only stderr can be merged");
  }
  if (command.stdout_mode == StdioMode::kMerged) {
    return InvalidField("spec.stdout_mode", "only stderr can be merged");
  }
  if (command.umask.has_value() && *command.umask > kLargestUmask) {
    return InvalidField("spec.umask", "is greater than 0777");
  }
  if (command.run_timeout <= absl::ZeroDuration()) {
    return InvalidField("spec.run_timeout", "is not positive");
  }
  if (command.drain_grace < absl::ZeroDuration()) {
    return InvalidField("spec.drain_grace", "is negative");
  }
  if (command.stop_policy.signal < 1 || command.stop_policy.signal > kLargestSignal) {
    return InvalidField("spec.stop_policy.signal", "is not a signal");
  }
  if (command.stop_policy.grace < absl::ZeroDuration()) {
    return InvalidField("spec.stop_policy.grace", "is negative");
  }
  if (command.retain_bytes < kLeastRetained || command.retain_bytes > kMostRetained) {
    return InvalidField("spec.output.retain_bytes",
                        absl::StrCat("is outside ", kLeastRetained, " to ", kMostRetained));
  }
  return ValidateLabels(command.labels, "spec.labels");
}

absl::Status ValidateLabels(const std::map<std::string, std::string>& labels,
                            std::string_view field) {
  if (labels.size() > kMostLabels) {
    return InvalidField(field, absl::StrCat("has more than ", kMostLabels, " labels"));
  }
  for (const auto& [key, value] : labels) {
    if (!IsLabelKey(key)) {
      return InvalidField(
          field, absl::StrCat("the key '", Excerpt(key), "' is not 1 to ", kLongestLabelKey,
                              " bytes of letters, digits, '-', '_', '.' and '/'"));
    }
    if (value.size() > kLongestLabelValue) {
      return InvalidField(field, absl::StrCat("the value of '", key, "' is longer than ",
                                              kLongestLabelValue, " bytes"));
    }
    if (HasNul(value)) {
      return InvalidField(field, absl::StrCat("the value of '", key, "' contains a NUL"));
    }
  }
  return absl::OkStatus();
}

}  // namespace proctor
