#include "client/cli/terminal/terminal_keys.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace proctor::cli {
namespace {

constexpr char kControlZ = '\x1a';
constexpr std::string_view kControlNames = "@abcdefghijklmnopqrstuvwxyz[\\]^_";
constexpr std::string_view kControlPrefix = "ctrl-";

bool IsPrintable(char c) { return c > ' ' && c < '\x7f'; }

// ^X for a control character, else the character.
std::string KeyText(char key) {
  if (static_cast<unsigned char>(key) >= 0x20) return std::string(1, key);
  return {'^', static_cast<char>(key + '@')};
}

void Send(std::string_view bytes, std::vector<TerminalKeys::Action>* actions) {
  if (actions->empty() || actions->back().command != TerminalKeys::Command::kSend) {
    actions->push_back({TerminalKeys::Command::kSend, ""});
  }
  actions->back().bytes.append(bytes);
}

}  // namespace

absl::StatusOr<std::optional<char>> ParseEscapeChar(const std::string& text) {
  if (text == "none") return std::nullopt;
  if (text.size() == 1 && IsPrintable(text[0])) return text[0];
  if (text.size() == 2 && text[0] == '^' && text[1] >= '@' && text[1] < '\x7f') {
    return static_cast<char>(text[1] & 0x1f);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is not a character, ^X for a control character, or 'none'"));
}

absl::StatusOr<std::string> ParseDetachKeys(const std::string& text) {
  if (text.empty() || text == "none") return "";
  std::string keys;
  const std::vector<std::string> names = absl::StrSplit(text, ',');
  for (const std::string& key : names) {
    if (key.size() == 1 && IsPrintable(key[0])) {
      keys.push_back(key[0]);
      continue;
    }
    const size_t control =
        key.size() == kControlPrefix.size() + 1 && key.starts_with(kControlPrefix)
            ? kControlNames.find(key.back())
            : std::string_view::npos;
    if (control == std::string_view::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", key, "' in '", text,
                       "' is not a key: a character, or ctrl-X with X of a-z @ [ \\ ] ^ _"));
    }
    keys.push_back(static_cast<char>(control));
  }
  return keys;
}

std::vector<TerminalKeys::Action> TerminalKeys::Feed(std::string_view typed) {
  std::vector<Action> actions;
  for (const char key : typed) {
    if (std::exchange(escape_pending_, false)) {
      TakeEscaped(key, &actions);
    } else if (at_line_start_ && bindings_.escape.has_value() && key == *bindings_.escape) {
      escape_pending_ = true;
    } else {
      Pass(key, &actions);
    }
  }
  return actions;
}

std::vector<TerminalKeys::Action> TerminalKeys::ReleaseDetachKeys() {
  std::vector<Action> actions;
  if (!held_.empty()) Send(std::exchange(held_, ""), &actions);
  return actions;
}

void TerminalKeys::TakeEscaped(char key, std::vector<Action>* actions) {
  // A command leaves us at the start of the line, so that another one may follow.
  switch (key) {
    case '.':
      actions->push_back({Command::kDisconnect, ""});
      return;
    case 'd':
      actions->push_back({Command::kDetach, ""});
      return;
    case kControlZ:
      actions->push_back({Command::kSuspend, ""});
      return;
    case '?':
      actions->push_back({Command::kHelp, ""});
      return;
    default:
      if (key != *bindings_.escape) Pass(*bindings_.escape, actions);
      Pass(key, actions);
  }
}

void TerminalKeys::Pass(char key, std::vector<Action>* actions) {
  at_line_start_ = key == '\r' || key == '\n';
  held_.push_back(key);
  if (!bindings_.detach.empty() && held_ == bindings_.detach) {
    held_.clear();
    actions->push_back({Command::kDetach, ""});
    return;
  }
  // The held keys may fail as a whole while their end is still a beginning.
  size_t failed = 0;
  while (!bindings_.detach.starts_with(std::string_view(held_).substr(failed))) ++failed;
  if (failed == 0) return;
  Send(std::string_view(held_).substr(0, failed), actions);
  held_.erase(0, failed);
}

std::vector<std::string> TerminalKeys::Help() const {
  std::vector<std::string> lines;
  if (bindings_.escape.has_value()) {
    const std::string escape = KeyText(*bindings_.escape);
    lines.push_back("At the start of a line:");
    lines.push_back(absl::StrCat("  ", escape, ".   disconnect"));
    lines.push_back(absl::StrCat("  ", escape, "d   detach: the process goes on"));
    lines.push_back(absl::StrCat("  ", escape, "^Z  suspend proctor"));
    lines.push_back(absl::StrCat("  ", escape, "?   this list"));
    lines.push_back(absl::StrCat("  ", escape, escape, "   send ", escape));
  }
  if (!bindings_.detach.empty()) {
    std::string keys;
    for (const char key : bindings_.detach) {
      absl::StrAppend(&keys, keys.empty() ? "" : " ", KeyText(key));
    }
    lines.push_back("Anywhere:");
    lines.push_back(absl::StrCat("  ", keys, "  detach"));
  }
  return lines;
}

}  // namespace proctor::cli
