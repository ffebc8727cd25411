#include "core/process/spawn_plan.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "core/process/executable_search.h"

namespace proctor {

SpawnPlan::SpawnPlan(const Command& command, const std::array<int, 3>& stdio) : command_(command) {
  const auto environment = EnvironmentOf(command);
  environment_.reserve(environment.size());
  for (const auto& [name, value] : environment) {
    environment_.push_back(absl::StrCat(name, "=", value));
  }
  std::optional<std::string_view> path;
  if (auto found = environment.find("PATH"); found != environment.end()) path = found->second;
  candidates_ = ExecutableCandidates(command.argv.at(0), path);

  // execve(2) takes pointers to char that is not const, and changes nothing.
  for (const auto& argument : command.argv) argv_.push_back(const_cast<char*>(argument.c_str()));
  argv_.push_back(nullptr);
  for (auto& variable : environment_) envp_.push_back(variable.data());
  envp_.push_back(nullptr);
  for (const auto& candidate : candidates_) candidate_paths_.push_back(candidate.c_str());
  candidate_paths_.push_back(nullptr);

  request_.candidates = candidate_paths_.data();
  request_.argv = argv_.data();
  request_.envp = envp_.data();
  request_.cwd = command.cwd.empty() ? nullptr : command.cwd.c_str();
  request_.umask = command.umask.has_value() ? static_cast<int>(*command.umask) : -1;
  std::copy(stdio.begin(), stdio.end(), request_.stdio);
}

std::map<std::string, std::string> EnvironmentOf(const Command& command) {
  std::map<std::string, std::string> environment = command.env;
  if (!command.inherit_env || environ == nullptr) return environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string_view variable = *entry;
    size_t equals = variable.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    environment.emplace(variable.substr(0, equals), variable.substr(equals + 1));
  }
  return environment;
}

}  // namespace proctor
