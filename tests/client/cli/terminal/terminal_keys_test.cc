#include "client/cli/terminal/terminal_keys.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"

namespace proctor::cli {
namespace {

using Command = TerminalKeys::Command;

// What becomes of `pieces`, typed one after the other: bytes as they are, commands in brackets.
std::string Outcome(TerminalKeys* keys, const std::vector<std::string>& pieces) {
  std::string outcome;
  for (const std::string& piece : pieces) {
    for (const TerminalKeys::Action& action : keys->Feed(piece)) {
      switch (action.command) {
        case Command::kSend:
          outcome += action.bytes;
          break;
        case Command::kDetach:
          outcome += "[detach]";
          break;
        case Command::kDisconnect:
          outcome += "[disconnect]";
          break;
        case Command::kSuspend:
          outcome += "[suspend]";
          break;
        case Command::kHelp:
          outcome += "[help]";
          break;
      }
    }
  }
  return outcome;
}

std::string Typed(const std::vector<std::string>& pieces, KeyBindings bindings = {}) {
  TerminalKeys keys(std::move(bindings));
  return Outcome(&keys, pieces);
}

TEST(TerminalKeysTest, EscapesCountAtTheStartOfALine) {
  EXPECT_EQ(Typed({"~."}), "[disconnect]");
  EXPECT_EQ(Typed({"a~."}), "a~.");
  EXPECT_EQ(Typed({"a\r~."}), "a\r[disconnect]");
  EXPECT_EQ(Typed({"a\n~", "d"}), "a\n[detach]");
  EXPECT_EQ(Typed({"~", "\x1a", "x"}), "[suspend]x");
  EXPECT_EQ(Typed({"~?~."}), "[help][disconnect]");
}

TEST(TerminalKeysTest, EscapeCharacterIsSentByTypingItTwice) {
  EXPECT_EQ(Typed({"~~."}), "~.");
  EXPECT_EQ(Typed({"~~~."}), "~~.");
  EXPECT_EQ(Typed({"~x\r~~\r~."}), "~x\r~\r[disconnect]");
}

TEST(TerminalKeysTest, WhatIsNoEscapeIsSentInFull) {
  EXPECT_EQ(Typed({"~/bin/x\r"}), "~/bin/x\r");
  EXPECT_EQ(Typed({"~\r~."}), "~\r[disconnect]");
}

TEST(TerminalKeysTest, EscapeCharacterCanBeAnotherOrNone) {
  EXPECT_EQ(Typed({"~.\r%."}, {'%', ""}), "~.\r[disconnect]");
  EXPECT_EQ(Typed({"~.\r~d"}, {std::nullopt, ""}), "~.\r~d");
}

// Of docker.
const KeyBindings kControlPQ = {'~', "\x10\x11"};

TEST(TerminalKeysTest, NoKeyButTheEscapeIsKeptBackUnasked) {
  for (int key = 1; key < 256; ++key) {
    const std::string typed(1, static_cast<char>(key));
    EXPECT_EQ(Typed({"a" + typed}), "a" + typed) << key;
  }
}

TEST(TerminalKeysTest, DetachKeysCountAnywhere) {
  EXPECT_EQ(Typed({"ab\x10\x11"}, kControlPQ), "ab[detach]");
  EXPECT_EQ(Typed({"ab\x10", "\x11"}, kControlPQ), "ab[detach]");
}

TEST(TerminalKeysTest, WhatIsHeldCanBeReleasedAndBeginsNothingThen) {
  TerminalKeys keys({'~', "abc"});
  EXPECT_FALSE(keys.HoldsDetachKeys());
  EXPECT_EQ(Outcome(&keys, {"ab"}), "");
  EXPECT_TRUE(keys.HoldsDetachKeys());
  EXPECT_EQ(keys.ReleaseDetachKeys(), std::vector<TerminalKeys::Action>({{Command::kSend, "ab"}}));
  EXPECT_FALSE(keys.HoldsDetachKeys());
  EXPECT_TRUE(keys.ReleaseDetachKeys().empty());
  EXPECT_EQ(Outcome(&keys, {"c", "abc"}), "c[detach]");
  EXPECT_FALSE(keys.HoldsDetachKeys());
}

TEST(TerminalKeysTest, HalfOfTheDetachKeysIsSentOnInFull) {
  TerminalKeys keys(kControlPQ);
  EXPECT_EQ(Outcome(&keys, {"\x10"}), "");
  EXPECT_EQ(Outcome(&keys, {"x"}), "\x10x");
  EXPECT_EQ(Outcome(&keys, {"\x10\x10"}), "\x10");
  EXPECT_EQ(Outcome(&keys, {"\x11"}), "[detach]");
}

TEST(TerminalKeysTest, FailedSequenceMayEndWithABeginning) {
  EXPECT_EQ(Typed({"aaab"}, {'~', "aab"}), "a[detach]");
  EXPECT_EQ(Typed({"ababac"}, {'~', "abac"}), "ab[detach]");
  EXPECT_EQ(Typed({"\x10\x11"}, {'~', ""}), "\x10\x11");
}

TEST(TerminalKeysTest, ReadsDockersKeys) {
  EXPECT_EQ(*ParseDetachKeys("ctrl-p,ctrl-q"), "\x10\x11");
  EXPECT_EQ(*ParseDetachKeys("a,Z,ctrl-@"), std::string("aZ\0", 3));
  EXPECT_EQ(*ParseDetachKeys("ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_"), "\x1b\x1c\x1d\x1e\x1f");
  EXPECT_EQ(*ParseDetachKeys(""), "");
  EXPECT_EQ(*ParseDetachKeys("none"), "");
  for (const char* bad : {"ctrl-", "ctrl-P", "ctrl-1", "ctrl-ab", "a,,b", "ab", "é", " "}) {
    EXPECT_FALSE(ParseDetachKeys(bad).ok()) << bad;
  }
}

TEST(TerminalKeysTest, ReadsTheEscapeCharacter) {
  EXPECT_EQ(*ParseEscapeChar("%"), '%');
  EXPECT_EQ(*ParseEscapeChar("^"), '^');
  EXPECT_EQ(*ParseEscapeChar("^]"), '\x1d');
  EXPECT_EQ(*ParseEscapeChar("^a"), '\x01');
  EXPECT_EQ(*ParseEscapeChar("none"), std::nullopt);
  for (const char* bad : {"", "ab", "é", "^1", " "}) EXPECT_FALSE(ParseEscapeChar(bad).ok()) << bad;
}

TEST(TerminalKeysTest, HelpNamesTheKeysThatCount) {
  const std::string help = absl::StrJoin(TerminalKeys({'\x1d',
                                                       "\x01"
                                                       "d"})
                                             .Help(),
                                         "\n");
  EXPECT_TRUE(absl::StrContains(help, "^].   disconnect")) << help;
  EXPECT_TRUE(absl::StrContains(help, "^A d  detach")) << help;
  EXPECT_TRUE(TerminalKeys({std::nullopt, ""}).Help().empty());
}

}  // namespace
}  // namespace proctor::cli
