#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace proctor::cli {

// What the program behind our terminal did to it and has not undone: the alternate screen, mouse
// reports, a hidden cursor and the like. A user that leaves the program in the midst gets the
// terminal back as it was, and can read what the shell prints next.
//
// Understands the control sequences of xterm, as far as they switch something on or off; the rest
// of the output passes by. Sequences may be cut anywhere between two pieces of output.
//
// A value; not thread-safe.
class ScreenModes {
 public:
  // Takes note of what `output` does to the terminal that it is written to.
  void Feed(std::string_view output);

  // Returns what to write to have the terminal as it was before the first Feed; empty when there is
  // nothing to undo.
  std::string Undo() const;

  // Returns what to write after Undo to have it as the program left it.
  std::string Redo() const;

  // Whether the alternate screen is shown, which keeps nothing that it showed.
  bool alternate_screen() const;

 private:
  // Where in a control sequence the output so far has ended.
  enum class State {
    kGround,
    kEscape,        // After ESC.
    kIntermediate,  // After ESC and a byte that more must follow.
    kControl,       // After ESC [, in the parameters.
    kString,        // In a title or the like, up to its terminator.
    kStringEscape,  // The same, after ESC.
  };

  void Take(unsigned char byte);
  void TakeEscape(unsigned char byte);
  // ESC [ parameters_ final.
  void TakeControl(char final);
  void SetPrivateModes(bool on);
  void Reset();
  void SoftReset();

  State state_ = State::kGround;
  // Of the sequence that is under way.
  std::string parameters_;

  // Private modes that are not as they are by default.
  std::set<int> changed_;
  bool application_keypad_ = false;
  // A colour or another attribute of text.
  bool rendition_ = false;
  bool cursor_style_ = false;
  // The setting of xterm's modifyOtherKeys; empty when off.
  std::string modified_keys_;
  // The levels of the kitty keyboard protocol, as they were pushed.
  std::vector<std::string> key_levels_;
};

}  // namespace proctor::cli
