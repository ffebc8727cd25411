#include "core/flags/flag_set.h"

#include <getopt.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/flags/argument_pointers.h"

namespace proctor {
namespace {

// What getopt_long returns for the flag of index 0; above every character.
constexpr int kFirstFlag = 0x100;

// The flags as getopt_long wants them. Points into `flags`.
struct GetoptTable {
  GetoptTable(FlagSet::Order order, const std::vector<FlagSet::Flag>& flags)
      // The ':' tells a missing value from an unknown flag. The '+' must come first.
      : letters(order == FlagSet::Order::kFlagsFirst ? "+:" : ":") {
    for (size_t i = 0; i < flags.size(); ++i) {
      const FlagSet::Flag& flag = flags[i];
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
  }

  std::string letters;
  std::vector<option> options;
};

// The flag that getopt_long means by `code`; null if there is none.
const FlagSet::Flag* Find(const std::vector<FlagSet::Flag>& flags, int code) {
  if (code >= kFirstFlag) return &flags[static_cast<size_t>(code - kFirstFlag)];
  const auto found = std::find_if(flags.begin(), flags.end(), [code](const FlagSet::Flag& flag) {
    return flag.accept && code != 0 && code == flag.letter;
  });
  return found == flags.end() ? nullptr : &*found;
}

}  // namespace

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

std::optional<FlagSet::Mistake> FlagSet::Parse(const std::vector<std::string>& arguments,
                                               std::vector<std::string>* rest) const {
  const GetoptTable table(order_, flags_);
  // getopt_long wants an argv with a program, and reorders it.
  std::vector<std::string> strings = {"program"};
  strings.insert(strings.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv = ArgumentPointers(&strings);
  const int argc = static_cast<int>(strings.size());

  opterr = 0;
  optind = 0;
  while (true) {
    const int found =
        getopt_long(argc, argv.data(), table.letters.c_str(), table.options.data(), nullptr);
    if (found == -1) break;
    const bool refused = found == ':' || found == '?';
    const Flag* flag = Find(flags_, refused ? optopt : found);
    const std::string given = argv[optind - 1];
    if (flag == nullptr) {
      const bool whole = optopt == 0 || absl::StartsWith(given, "--");
      return Mistake{Mistake::Kind::kUnknown,
                     whole ? given : absl::StrCat("-", std::string(1, static_cast<char>(optopt))),
                     nullptr, absl::OkStatus()};
    }
    if (refused) {
      const auto kind = found == ':' ? Mistake::Kind::kNeedsValue : Mistake::Kind::kTakesNoValue;
      return Mistake{kind, given, flag, absl::OkStatus()};
    }
    const absl::Status accepted = flag->accept(optarg == nullptr ? "" : optarg);
    if (!accepted.ok()) return Mistake{Mistake::Kind::kBadValue, given, flag, accepted};
  }
  rest->assign(argv.begin() + optind, argv.begin() + argc);
  return std::nullopt;
}

}  // namespace proctor
