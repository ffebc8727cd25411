#include "client/cli/flags/reconnect_flag.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/flags/flag_value.h"
#include "proctor/client/error.h"

namespace proctor::cli {

void ReconnectFlag::AddTo(FlagSet* flags) {
  flags->Value(
      0, "reconnect", "DURATION",
      absl::StrCat("go on over a lost server for so long (",
                   longest == absl::InfiniteDuration() ? "for ever" : absl::FormatDuration(longest),
                   "); 0 for not at all"),
      [this](const std::string& text) {
        if (text == "inf") {
          longest = absl::InfiniteDuration();
          return absl::OkStatus();
        }
        const absl::StatusOr<absl::Duration> parsed = ParseDuration(text);
        if (parsed.ok()) longest = *parsed;
        return parsed.status();
      });
}

client::ReconnectPolicy ReconnectFlag::Policy(const Console* console) const {
  return {
      longest, [console](const absl::Status& error) {
        console->Say(absl::StrCat("lost the server: ", client::ErrorText(error), "; trying again"));
      }};
}

}  // namespace proctor::cli
