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

  // Says one thing. Control characters are escaped: what servers say is not for terminals to obey.
  // In a colour where SetColoured has said so.
  void Say(const std::string& text, Colour colour = Colour::kNone) const;

  // Says why we failed, and returns the exit code of that.
  int Fail(const std::string& text, Colour colour = Colour::kNone) const;

  // Called before there are other threads.
  void SetColoured(bool coloured) { coloured_ = coloured; }

 private:
  const std::string prefix_;
  bool coloured_ = false;
};

}  // namespace proctor::cli
