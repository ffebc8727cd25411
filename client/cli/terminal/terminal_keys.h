#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace proctor::cli {

// Which keys are ours. A value.
struct KeyBindings {
  // Begins an escape; none without.
  std::optional<char> escape = '~';
  // The detach keys in their order, as bytes; none if empty.
  std::string detach = "";
};

// A single character, ^X for a control character, or "none". INVALID_ARGUMENT otherwise.
absl::StatusOr<std::optional<char>> ParseEscapeChar(const std::string& text);

// Keys as docker writes them: single characters and ctrl-X with X of a-z@[\]^_, with commas
// between; "" and "none" for none. INVALID_ARGUMENT otherwise.
absl::StatusOr<std::string> ParseDetachKeys(const std::string& text);

// Our keys, while everything else that is typed goes to the process. ssh's escapes count only at
// the start of a line. Detach keys, as docker's, count everywhere, but only when the user sets
// them: the first of them is some program's key, too, and a program that gets its key late looks
// broken.
//
// Not thread-safe.
//
//     typed ─▶ escapes: ~. ~d ~^Z ~? ~~ ─▶ detach keys, if any ─▶ the process
//                       └─▶ commands               └─▶ command, or held until Release
class TerminalKeys {
 public:
  enum class Command { kSend, kDetach, kDisconnect, kSuspend, kHelp };
  struct Action {
    Command command;
    // With kSend: what goes to the process.
    std::string bytes;

    bool operator==(const Action&) const = default;
  };

  explicit TerminalKeys(KeyBindings bindings) : bindings_(std::move(bindings)) {}

  // Returns what to do about `typed`, in this order. Keeps back what may yet become a command;
  // sends all of it on when it becomes none.
  std::vector<Action> Feed(std::string_view typed);

  // Whether a beginning of the detach keys is kept back. Release it when no next key comes: to a
  // program the first of them may mean something by itself. An escape waits for its second key as
  // long as it takes, as with ssh.
  bool HoldsDetachKeys() const { return !held_.empty(); }
  // Returns what to do about that beginning: it goes to the process, and begins nothing any more.
  std::vector<Action> ReleaseDetachKeys();

  // The keys in words, one a line.
  std::vector<std::string> Help() const;

 private:
  void TakeEscaped(char key, std::vector<Action>* actions);
  // Behind the escapes.
  void Pass(char key, std::vector<Action>* actions);

  const KeyBindings bindings_;
  bool at_line_start_ = true;
  bool escape_pending_ = false;
  // The detach keys that were typed so far.
  std::string held_;
};

}  // namespace proctor::cli
