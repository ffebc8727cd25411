// write: sends our stdin to a process that runs already, without staying with it.
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/command/invocation.h"
#include "client/cli/command/verb.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/run/stdin_writer.h"
#include "client/cli/select/id_prefix.h"
#include "proctor/error.h"

namespace proctor::cli {
namespace {

// Small enough to be taken by an empty pipe at once.
constexpr size_t kChunkBytes = 64 << 10;

}  // namespace

int WriteVerb(Invocation& invocation) {
  bool eof = false;
  bool force = false;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch(0, "eof", "end the process's stdin after ours", &eof);
  flags.Switch(0, "force", "although another client writes to it, which then may no longer",
               &force);
  if (auto code = invocation.Parse(&flags, {.least = 1, .most = 1})) return *code;
  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  std::string id = invocation.arguments()[0];
  const absl::Status unknown = CompleteProcessId(*client, &id);
  if (!unknown.ok()) return invocation.Refuse(unknown);

  StdinWriter writer(*client, id, force, [&invocation](const absl::Status& error) {
    invocation.console().Say(absl::StrCat("lost the server (", error.message(),
                                          "); trying again for ",
                                          absl::FormatDuration(StdinWriter::kPatience)));
  });
  absl::Status error = writer.Begin();
  while (error.ok()) {
    std::string chunk(kChunkBytes, '\0');
    const ssize_t size = read(STDIN_FILENO, chunk.data(), chunk.size());
    if (size < 0) {
      if (errno == EINTR) continue;
      // Not the end: the process must not take half of its input for the whole.
      return invocation.console().Fail(absl::StrCat("read stdin: ", ErrnoText(errno), "; ",
                                                    writer.taken(), " bytes were written"));
    }
    if (size == 0) {
      if (eof) error = writer.Close();
      if (error.ok()) return kExitSuccess;
      break;
    }
    chunk.resize(static_cast<size_t>(size));
    error = writer.Write(std::move(chunk));
  }
  return invocation.Refuse(
      error, absl::StrCat(id, ": after ", writer.taken(), " bytes that were certainly written"));
}

}  // namespace proctor::cli
