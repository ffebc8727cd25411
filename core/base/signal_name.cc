#include "core/base/signal_name.h"

#include <signal.h>
#include <string.h>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace proctor {
namespace {

bool IsSignal(int number) { return number >= 1 && number <= SIGRTMAX; }

// "+2" after RTMIN, "-1" after RTMAX, or nothing after either.
std::optional<int> ParseRealTime(absl::string_view rest, int base) {
  int offset = 0;
  if (!rest.empty() && !absl::SimpleAtoi(rest, &offset)) return std::nullopt;
  const int number = base + offset;
  if (number < SIGRTMIN || number > SIGRTMAX) return std::nullopt;
  return number;
}

}  // namespace

std::string SignalName(int signal) {
  if (signal >= SIGRTMIN && signal <= SIGRTMAX) {
    const int offset = signal - SIGRTMIN;
    return offset == 0 ? "SIGRTMIN" : absl::StrCat("SIGRTMIN+", offset);
  }
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? absl::StrCat("SIG", name) : absl::StrCat("SIG", signal);
}

std::optional<int> ParseSignal(std::string_view text) {
  int number = 0;
  const absl::string_view trimmed(text.data(), text.size());
  if (absl::SimpleAtoi(trimmed, &number)) {
    return IsSignal(number) ? std::optional<int>(number) : std::nullopt;
  }
  const std::string upper = absl::AsciiStrToUpper(trimmed);
  absl::string_view name = absl::StripPrefix(upper, "SIG");
  if (absl::ConsumePrefix(&name, "RTMIN")) return ParseRealTime(name, SIGRTMIN);
  if (absl::ConsumePrefix(&name, "RTMAX")) return ParseRealTime(name, SIGRTMAX);
  for (int i = 1; i < SIGRTMIN; ++i) {
    const char* known = sigabbrev_np(i);
    if (known != nullptr && name == known) return i;
  }
  // What SignalName says of a signal without a name: the C library keeps some to itself.
  if (name.size() < upper.size() && absl::SimpleAtoi(name, &number) && IsSignal(number)) {
    return number;
  }
  return std::nullopt;
}

}  // namespace proctor
