#pragma once

#include <string>

#include "client/cli/text/colour.h"

namespace proctor::cli {

// Where the command speaks to its user: lines on stderr that begin with "proctor: VERB: ".
//
// Thread-safe: a line is one write.
class Console {
 public:
  // An empty `verb` gives lines that begin with "proctor: ".
  explicit Console(const std::string& verb);

  // Prints one message. Escapes control characters: a terminal must not obey what servers say. Uses
  // `colour` only after SetColoured(true).
  void Say(const std::string& text, Colour colour = Colour::kNone) const;

  // Says why we failed, and returns the exit code for it.
  int Fail(const std::string& text, Colour colour = Colour::kNone) const;

  // Call before there are other threads.
  void SetColoured(bool coloured) { coloured_ = coloured; }

 private:
  const std::string prefix_;
  bool coloured_ = false;
};

}  // namespace proctor::cli
