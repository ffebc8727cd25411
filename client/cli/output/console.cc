#include "client/cli/output/console.h"

#include <unistd.h>

#include "client/cli/output/exit_code.h"
#include "client/cli/output/out_file.h"
#include "client/cli/terminal/raw_terminal.h"
#include "core/base/printable_text.h"

namespace proctor::cli {

Console::Console(const std::string& verb)
    : prefix_(verb.empty() ? "proctor: " : "proctor: " + verb + ": ") {}

void Console::Say(const std::string& text, Colour colour) const {
  // A message that cannot be written is no reason to fail: the exit code says it again.
  OutFile(STDERR_FILENO, "stderr")
      .Write(prefix_ + Paint(coloured_ ? colour : Colour::kNone, Printable(text)) +
             RawTerminal::LineEnd(STDERR_FILENO));
}

int Console::Fail(const std::string& text, Colour colour) const {
  Say(text, colour);
  return kExitFailure;
}

}  // namespace proctor::cli
