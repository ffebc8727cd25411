#include "client/cli/flags/terminal_flags.h"

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"

namespace proctor::cli {
namespace {

constexpr char kDetachVariable[] = "PROCTOR_DETACH_KEYS";

}  // namespace

void TerminalFlags::AddTo(FlagSet* flags) {
  flags->Value(0, "escape-char", "CHAR|none",
               "begins our commands at a line's start (~); ~? lists them",
               [this](const std::string& text) {
                 const absl::StatusOr<std::optional<char>> escape = ParseEscapeChar(text);
                 if (escape.ok()) keys.escape = *escape;
                 return escape.status();
               });
  flags->Value(
      0, "detach-keys", "KEYS|none",
      "detach also by these (else $PROCTOR_DETACH_KEYS); a key that may begin them waits for the "
      "next one before the process gets it, half a second at most",
      [this](const std::string& text) {
        const absl::StatusOr<std::string> detach = ParseDetachKeys(text);
        if (detach.ok()) keys.detach = *detach;
        detach_given_ = true;
        return detach.status();
      });
}

absl::Status TerminalFlags::Resolve() {
  const char* value = std::getenv(kDetachVariable);
  if (detach_given_ || value == nullptr) return absl::OkStatus();
  const absl::StatusOr<std::string> detach = ParseDetachKeys(value);
  if (!detach.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("$", kDetachVariable, ": ", detach.status().message()));
  }
  keys.detach = *detach;
  return absl::OkStatus();
}

}  // namespace proctor::cli
