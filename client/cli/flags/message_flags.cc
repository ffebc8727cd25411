#include "client/cli/flags/message_flags.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

#include "absl/strings/str_cat.h"
#include "client/cli/flags/flag_accept.h"
#include "proctor/error.h"

namespace proctor::cli {
namespace {

absl::Status Refused(const std::string& flag, const std::string& why) {
  return absl::InvalidArgumentError(absl::StrCat(flag, ": ", why));
}

absl::StatusOr<OutFile> OpenDescriptor(int number) {
  const std::string flag = absl::StrCat("--json-fd ", number);
  // A descriptor that survived the exec of our start has no close-on-exec. One that has it belongs
  // to a library, and has the number by chance.
  const int descriptor_flags = fcntl(number, F_GETFD);
  if (descriptor_flags < 0 || (descriptor_flags & FD_CLOEXEC) != 0) {
    return Refused(
        flag, absl::StrCat("descriptor ", number, " is not open; open it with ", number, ">FILE"));
  }
  const int status_flags = fcntl(number, F_GETFL);
  if (status_flags < 0 || (status_flags & O_ACCMODE) == O_RDONLY || (status_flags & O_PATH) != 0) {
    return Refused(flag, absl::StrCat("descriptor ", number, " is not open for writing"));
  }
  const int own = fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (own < 0) return Refused(flag, absl::StrCat("dup: ", ErrnoText(errno)));
  return OutFile(own, flag);
}

absl::StatusOr<OutFile> OpenFile(const std::string& path) {
  const std::string flag = absl::StrCat("--json-file '", path, "'");
  int own = -1;
  do {
    // As a shell's '>'.
    own = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
  } while (own < 0 && errno == EINTR);
  if (own < 0) return Refused(flag, ErrnoText(errno));
  return OutFile(own, flag);
}

}  // namespace

void MessageFlags::AddTo(FlagSet* flags) {
  flags->Value(0, "json-file", "FILE", "messages as JSON lines into this file",
               AcceptText([this](const std::string& text) { file = text; }));
  flags->Value(0, "json-fd", "N", "the same to descriptor N, such as 3 with 3>FILE",
               AcceptWithin(0, std::numeric_limits<int>::max(),
                            [this](int64_t number) { descriptor = static_cast<int>(number); }));
}

absl::StatusOr<std::optional<OutFile>> MessageFlags::Open(bool terminal_is_taken) const {
  if (descriptor.has_value() && !file.empty()) {
    return absl::InvalidArgumentError("--json-file and --json-fd exclude each other");
  }
  if (!any()) return std::nullopt;
  absl::StatusOr<OutFile> opened =
      descriptor.has_value() ? OpenDescriptor(*descriptor) : OpenFile(file);
  if (!opened.ok()) return opened.status();
  if (terminal_is_taken && opened->IsTerminal()) {
    return Refused(opened->name(), "is the terminal, which shows the process alone");
  }
  return std::optional<OutFile>(*std::move(opened));
}

absl::Status JsonWantsAPlace(const std::string& else_hint) {
  return absl::InvalidArgumentError(
      absl::StrCat("--json would mix messages into the stderr of the process: give them a place of "
                   "their own with --json-file FILE, or --json-fd 3 and 3>FILE",
                   else_hint));
}

}  // namespace proctor::cli
