#include "client/cli/flags/flag_text.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/text/fill.h"

namespace proctor::cli {
namespace {

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

std::string UnknownText(const FlagSet& flags, const std::string& given) {
  std::string text = absl::StrCat("unknown flag '", given, "'");
  if (!absl::StartsWith(given, "--")) return text;
  std::vector<std::string> names;
  for (const FlagSet::Flag& flag : flags.flags()) {
    if (flag.accept) names.push_back(flag.name);
  }
  const std::string closest = ClosestWord(given.substr(2, given.find('=') - 2), names);
  if (!closest.empty()) absl::StrAppend(&text, "; did you mean '--", closest, "'?");
  return text;
}

}  // namespace

std::string MistakeText(const FlagSet& flags, const FlagSet::Mistake& mistake) {
  switch (mistake.kind) {
    case FlagSet::Mistake::Kind::kUnknown:
      break;
    case FlagSet::Mistake::Kind::kNeedsValue:
      return absl::StrCat("flag '", mistake.given, "' needs a value: ", mistake.flag->placeholder);
    case FlagSet::Mistake::Kind::kTakesNoValue:
      return absl::StrCat("flag '--", mistake.flag->name, "' takes no value");
    case FlagSet::Mistake::Kind::kBadValue:
      return absl::StrCat("--", mistake.flag->name, ": ", mistake.why.message());
  }
  return UnknownText(flags, mistake.given);
}

std::string FlagsHelp(const FlagSet& flags) {
  constexpr size_t kColumn = 29;
  std::string text;
  for (const FlagSet::Flag& flag : flags.flags()) {
    if (flag.help.empty()) continue;
    if (!flag.accept) {
      absl::StrAppend(&text, "\n", Fill(flag.help, kHelpColumns));
      continue;
    }
    std::string left =
        flag.letter == 0 ? "      " : absl::StrCat("  -", std::string(1, flag.letter), ", ");
    absl::StrAppend(&left, "--", flag.name, flag.placeholder.empty() ? "" : " ", flag.placeholder);
    if (left.size() + 2 > kColumn) {
      left += "\n" + std::string(kColumn, ' ');
    } else {
      left.resize(kColumn, ' ');
    }
    absl::StrAppend(&text, left, Fill(flag.help, kHelpColumns, kColumn));
  }
  return text;
}

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

}  // namespace proctor::cli
