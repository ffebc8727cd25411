#include "client/cli/text/colour.h"

#include <unistd.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace proctor::cli {

bool ObeysEscapes(int descriptor) {
  const char* const terminal = std::getenv("TERM");
  return terminal != nullptr && std::string_view(terminal) != "dumb" && isatty(descriptor) != 0;
}

bool IsColoured(ColourWhen when, int descriptor) {
  if (when != ColourWhen::kAuto) return when == ColourWhen::kAlways;
  const char* const unwanted = std::getenv("NO_COLOR");
  if (unwanted != nullptr && *unwanted != '\0') return false;
  return ObeysEscapes(descriptor);
}

std::string Paint(Colour colour, std::string_view text) {
  const char* code = "";
  switch (colour) {
    case Colour::kNone:
      return std::string(text);
    case Colour::kGreen:
      code = "32";
      break;
    case Colour::kYellow:
      code = "33";
      break;
    case Colour::kRed:
      code = "31";
      break;
  }
  return absl::StrCat("\x1b[", code, "m", absl::string_view(text.data(), text.size()), "\x1b[0m");
}

}  // namespace proctor::cli
