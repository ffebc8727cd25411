#include "core/self/oom_score.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "proctor/unique_fd.h"

namespace proctor {
namespace {

constexpr int kTries = 100;
constexpr absl::Duration kPause = absl::Microseconds(500);

// Nothing where there is no /proc.
std::optional<int> ReadOwn() {
  const UniqueFd file(::open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC));
  char text[16];
  const ssize_t size = file ? ::read(file.get(), text, sizeof(text)) : 0;
  int score = 0;
  if (size <= 0 || !absl::SimpleAtoi(absl::string_view(text, static_cast<size_t>(size)), &score)) {
    return std::nullopt;
  }
  return score;
}

}  // namespace

std::string OomScoreToWrite(std::optional<int> asked) {
  static const std::optional<int> own = ReadOwn();
  if (!own.has_value() && !asked.has_value()) return "";
  const int wanted = asked.value_or(0);
  return own == wanted ? "" : absl::StrCat(wanted);
}

int WriteOomScore(pid_t child, const char* score) {
  // Linux lets the parent of a vfork go on a moment before the child's new memory is dumpable.
  // That of a program that its user may not read never is.
  const std::string path = absl::StrCat("/proc/", child, "/oom_score_adj");
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  for (int tries = 0; !file && errno == EACCES && tries < kTries; ++tries) {
    absl::SleepFor(kPause);
    file.Reset(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  }
  if (file && ::write(file.get(), score, ::strlen(score)) >= 0) return 0;
  return errno == ENOENT || errno == ESRCH ? 0 : errno;
}

}  // namespace proctor
