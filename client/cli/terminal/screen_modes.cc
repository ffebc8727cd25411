#include "client/cli/terminal/screen_modes.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace proctor::cli {
namespace {

constexpr unsigned char kCancel = 0x18;
constexpr unsigned char kSubstitute = 0x1A;
constexpr unsigned char kEscapeByte = 0x1B;
constexpr unsigned char kBell = 0x07;

// No sequence that concerns us has more; a longer one must not fill our memory.
constexpr size_t kMostParameters = 128;
// Terminals keep fewer.
constexpr size_t kMostKeyLevels = 64;

struct PrivateMode {
  int number;
  bool on_by_default;
  // Showing the alternate screen, in one of three ways.
  bool alternate_screen;
};

// In the order in which they are undone: the screen last, since some terminals keep the others for
// each screen.
constexpr PrivateMode kPrivateModes[] = {
    {1, false, false},     // Cursor keys send application sequences.
    {7, true, false},      // Long lines wrap.
    {9, false, false},     // Mouse buttons, as X10 had them.
    {66, false, false},    // The keypad sends application sequences.
    {1000, false, false},  // Mouse buttons.
    {1002, false, false},  // Mouse drags.
    {1003, false, false},  // Mouse moves.
    {1004, false, false},  // Focus.
    {1005, false, false},  // Mouse positions in UTF-8.
    {1006, false, false},  // Mouse positions in SGR's way.
    {1015, false, false},  // Mouse positions in urxvt's way.
    {1016, false, false},  // Mouse positions in pixels.
    {2004, false, false},  // Bracketed paste.
    {25, true, false},     // The cursor is shown.
    {47, false, true},    {1047, false, true}, {1049, false, true},
};

const PrivateMode* FindPrivateMode(int number) {
  const auto* found = std::find_if(std::begin(kPrivateModes), std::end(kPrivateModes),
                                   [number](const auto& mode) { return mode.number == number; });
  return found == std::end(kPrivateModes) ? nullptr : found;
}

std::string SwitchText(const PrivateMode& mode, bool on) {
  return absl::StrCat("\x1b[?", mode.number, on ? "h" : "l");
}

}  // namespace

void ScreenModes::Feed(std::string_view output) {
  for (const char c : output) {
    if (state_ == State::kGround && c != '\x1b') continue;
    Take(static_cast<unsigned char>(c));
  }
}

void ScreenModes::Take(unsigned char byte) {
  if (byte == kCancel || byte == kSubstitute) {
    state_ = State::kGround;
    return;
  }
  if (state_ == State::kString || state_ == State::kStringEscape) {
    const bool ended = byte == kBell || (state_ == State::kStringEscape && byte == '\\');
    if (ended) {
      state_ = State::kGround;
    } else if (state_ == State::kStringEscape && byte != kEscapeByte) {
      // Not the terminator: another sequence, which ends the string too.
      TakeEscape(byte);
    } else {
      state_ = byte == kEscapeByte ? State::kStringEscape : State::kString;
    }
    return;
  }
  if (byte == kEscapeByte) {
    state_ = State::kEscape;
    return;
  }
  // Other control characters are obeyed in the midst of a sequence, and do not end it.
  if (byte < 0x20) return;
  switch (state_) {
    case State::kEscape:
      TakeEscape(byte);
      break;
    case State::kIntermediate:
      if (byte >= 0x30) state_ = State::kGround;
      break;
    case State::kControl:
      if (byte < 0x40) {
        if (parameters_.size() < kMostParameters) parameters_.push_back(static_cast<char>(byte));
        break;
      }
      state_ = State::kGround;
      if (parameters_.size() < kMostParameters) TakeControl(static_cast<char>(byte));
      break;
    default:
      break;
  }
}

void ScreenModes::TakeEscape(unsigned char byte) {
  state_ = State::kGround;
  switch (byte) {
    case '[':
      state_ = State::kControl;
      parameters_.clear();
      break;
    case ']':
    case 'P':
    case 'X':
    case '^':
    case '_':
      state_ = State::kString;
      break;
    case '=':
      application_keypad_ = true;
      break;
    case '>':
      application_keypad_ = false;
      break;
    case 'c':
      Reset();
      break;
    default:
      if (byte >= 0x20 && byte < 0x30) state_ = State::kIntermediate;
      break;
  }
}

void ScreenModes::TakeControl(char final) {
  const char first = parameters_.empty() ? '\0' : parameters_.front();
  if (first == '?') {
    if (final == 'h' || final == 'l') SetPrivateModes(final == 'h');
  } else if (first == '>' && final == 'm') {
    const std::vector<std::string> parts = absl::StrSplit(parameters_.substr(1), ';');
    if (!parts[0].empty() && parts[0] != "4") return;
    modified_keys_ = parts.size() < 2 || parts[1] == "0" ? "" : parts[1];
  } else if (first == '>' && final == 'u') {
    if (key_levels_.size() == kMostKeyLevels) key_levels_.erase(key_levels_.begin());
    key_levels_.push_back(parameters_.substr(1));
  } else if (first == '<' && final == 'u') {
    uint32_t levels = 1;
    if (!absl::SimpleAtoi(parameters_.substr(1), &levels)) levels = 1;
    key_levels_.resize(key_levels_.size() - std::min<size_t>(levels, key_levels_.size()));
  } else if (final == 'm') {
    rendition_ = !parameters_.empty() && parameters_ != "0";
  } else if (final == 'q' && !parameters_.empty() && parameters_.back() == ' ') {
    cursor_style_ = parameters_ != " " && parameters_ != "0 ";
  } else if (final == 'p' && parameters_ == "!") {
    SoftReset();
  }
}

void ScreenModes::SetPrivateModes(bool on) {
  const std::vector<std::string> parts = absl::StrSplit(parameters_.substr(1), ';');
  for (const std::string& part : parts) {
    int number = 0;
    if (!absl::SimpleAtoi(part, &number)) continue;
    const PrivateMode* mode = FindPrivateMode(number);
    if (mode == nullptr) continue;
    if (mode->on_by_default != on) {
      changed_.insert(number);
    } else if (mode->alternate_screen) {
      // There is one, however it was entered and is left.
      for (const PrivateMode& way : kPrivateModes) {
        if (way.alternate_screen) changed_.erase(way.number);
      }
    } else {
      changed_.erase(number);
    }
  }
}

void ScreenModes::SoftReset() {
  for (const int number : {1, 7, 25, 66}) changed_.erase(number);
  application_keypad_ = false;
  rendition_ = false;
}

void ScreenModes::Reset() { *this = ScreenModes(); }

std::string ScreenModes::Undo() const {
  std::string text;
  if (!key_levels_.empty()) absl::StrAppend(&text, "\x1b[<", key_levels_.size(), "u");
  if (!modified_keys_.empty()) text += "\x1b[>4;0m";
  if (application_keypad_) text += "\x1b>";
  if (cursor_style_) text += "\x1b[0 q";
  for (const PrivateMode& mode : kPrivateModes) {
    if (changed_.contains(mode.number)) text += SwitchText(mode, mode.on_by_default);
  }
  if (rendition_) text += "\x1b[m";
  return text;
}

std::string ScreenModes::Redo() const {
  std::string text;
  for (auto mode = std::rbegin(kPrivateModes); mode != std::rend(kPrivateModes); ++mode) {
    if (changed_.contains(mode->number)) text += SwitchText(*mode, !mode->on_by_default);
  }
  if (application_keypad_) text += "\x1b=";
  if (!modified_keys_.empty()) absl::StrAppend(&text, "\x1b[>4;", modified_keys_, "m");
  for (const std::string& level : key_levels_) absl::StrAppend(&text, "\x1b[>", level, "u");
  return text;
}

bool ScreenModes::alternate_screen() const {
  return std::any_of(changed_.begin(), changed_.end(),
                     [](int number) { return FindPrivateMode(number)->alternate_screen; });
}

}  // namespace proctor::cli
