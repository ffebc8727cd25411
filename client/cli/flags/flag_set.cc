#include "client/cli/flags/flag_set.h"

#include <getopt.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/text/fill.h"

namespace proctor::cli {
namespace {

// What getopt_long returns for the flag of index 0; above every character.
constexpr int kFirstFlag = 0x100;

size_t EditDistance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string ClosestWord(const std::string& word, const std::vector<std::string>& candidates) {
  std::string closest;
  // More than a third of a word wrong is another word.
  size_t best = std::max<size_t>(1, (word.size() + 1) / 3) + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance = EditDistance(word, candidate);
    if (distance >= best) continue;
    best = distance;
    closest = candidate;
  }
  return closest;
}

void FlagSet::Switch(char letter, const std::string& name, const std::string& help, bool* value) {
  Action(letter, name, help, [value] { *value = true; });
}

void FlagSet::Action(char letter, const std::string& name, const std::string& help,
                     std::function<void()> action) {
  flags_.push_back({letter, name, "", help, [action = std::move(action)](const std::string&) {
                      action();
                      return absl::OkStatus();
                    }});
}

void FlagSet::Text(char letter, const std::string& name, const std::string& placeholder,
                   const std::string& help, std::string* value) {
  Value(letter, name, placeholder, help, [value](const std::string& text) {
    if (text.empty()) return absl::InvalidArgumentError("the value is empty");
    *value = text;
    return absl::OkStatus();
  });
}

void FlagSet::Value(char letter, const std::string& name, const std::string& placeholder,
                    const std::string& help, Accept accept) {
  flags_.push_back({letter, name, placeholder, help, std::move(accept)});
}

void FlagSet::Heading(const std::string& text) { flags_.push_back({0, "", "", text, nullptr}); }

absl::Status FlagSet::Unknown(const std::string& flag) const {
  std::string message = absl::StrCat("unknown flag '", flag, "'");
  if (absl::StartsWith(flag, "--")) {
    std::vector<std::string> names;
    for (const Flag& candidate : flags_) {
      if (candidate.accept) names.push_back(candidate.name);
    }
    const std::string closest = ClosestWord(flag.substr(2, flag.find('=') - 2), names);
    if (!closest.empty()) absl::StrAppend(&message, "; did you mean '--", closest, "'?");
  }
  return absl::InvalidArgumentError(message);
}

absl::Status FlagSet::Parse(const std::vector<std::string>& arguments,
                            std::vector<std::string>* rest) {
  // The ':' tells a missing value from an unknown flag. The '+' must come first.
  std::string letters = order_ == Order::kFlagsFirst ? "+:" : ":";
  std::vector<option> options;
  for (size_t i = 0; i < flags_.size(); ++i) {
    const Flag& flag = flags_[i];
    if (!flag.accept) continue;
    const bool has_value = !flag.placeholder.empty();
    if (flag.letter != 0) {
      letters.push_back(flag.letter);
      if (has_value) letters.push_back(':');
    }
    options.push_back({flag.name.c_str(), has_value ? required_argument : no_argument, nullptr,
                       kFirstFlag + static_cast<int>(i)});
  }
  options.push_back({nullptr, 0, nullptr, 0});

  // getopt_long wants an argv with a program, and reorders it.
  std::vector<std::string> strings = {"proctor"};
  strings.insert(strings.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  argv.reserve(strings.size() + 1);
  for (std::string& string : strings) argv.push_back(string.data());
  argv.push_back(nullptr);
  const int argc = static_cast<int>(strings.size());

  opterr = 0;
  optind = 0;
  while (true) {
    const int found = getopt_long(argc, argv.data(), letters.c_str(), options.data(), nullptr);
    if (found == -1) break;
    const auto flag = std::find_if(flags_.begin(), flags_.end(), [&](const Flag& candidate) {
      if (!candidate.accept) return false;
      const int index = static_cast<int>(&candidate - flags_.data());
      const int wanted = found == ':' || found == '?' ? optopt : found;
      return wanted == kFirstFlag + index || (wanted != 0 && wanted == candidate.letter);
    });
    const std::string given = argv[optind - 1];
    if (flag == flags_.end()) {
      return Unknown(optopt == 0 || absl::StartsWith(given, "--")
                         ? given
                         : absl::StrCat("-", std::string(1, static_cast<char>(optopt))));
    }
    if (found == ':') {
      return absl::InvalidArgumentError(
          absl::StrCat("flag '", given, "' needs a value: ", flag->placeholder));
    }
    if (found == '?') {
      return absl::InvalidArgumentError(absl::StrCat("flag '--", flag->name, "' takes no value"));
    }
    const absl::Status accepted = flag->accept(optarg == nullptr ? "" : optarg);
    if (!accepted.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("--", flag->name, ": ", accepted.message()));
    }
  }
  rest->assign(argv.begin() + optind, argv.begin() + argc);
  return absl::OkStatus();
}

std::string FlagSet::Help() const {
  constexpr size_t kColumn = 29;
  std::string text;
  for (const Flag& flag : flags_) {
    if (flag.help.empty()) continue;
    if (!flag.accept) {
      absl::StrAppend(&text, "\n", Fill(flag.help, kHelpColumns));
      continue;
    }
    std::string left =
        flag.letter == 0 ? "      " : absl::StrCat("  -", std::string(1, flag.letter), ", ");
    absl::StrAppend(&left, "--", flag.name, flag.placeholder.empty() ? "" : " ", flag.placeholder);
    if (left.size() + 2 > kColumn)
      left += "\n" + std::string(kColumn, ' ');
    else
      left.resize(kColumn, ' ');
    absl::StrAppend(&text, left, Fill(flag.help, kHelpColumns, kColumn));
  }
  return text;
}

}  // namespace proctor::cli
