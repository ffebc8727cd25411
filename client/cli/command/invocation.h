#pragma once

#include <unistd.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/cli/flags/global_flags.h"
#include "client/cli/output/console.h"
#include "client/cli/output/out_file.h"
#include "client/cli/text/colour.h"
#include "core/flags/flag_set.h"
#include "proctor/client/client.h"

namespace proctor::cli {

struct Verb;

// How many arguments a verb takes beside its flags.
struct Arity {
  size_t least = 0;
  size_t most = static_cast<size_t>(-1);
};

// The longest wait for an answer that the server gives at once.
inline client::CallOptions Prompt() { return {absl::Seconds(30)}; }

// How many entries of a list one answer has: the most that the server gives.
inline constexpr int kListPageSize = 1000;

// Returns what the user can do about an error, to stand behind its text; empty when nothing is
// known.
std::string HintFor(const absl::Status& error);

// One use of the command: the verb, its arguments, our standard streams, and the server.
//
// Not thread-safe, but for console(). Lives as long as the verb's function runs.
//
// Order of calls: Parse first; then Connect, as often as wanted.
class Invocation {
 public:
  // `arguments` are those behind the verb.
  Invocation(const Verb& verb, std::vector<std::string> arguments, GlobalFlags globals);

  // From now on a write to a pipe without a reader fails with EPIPE, so that a verb can end its
  // stream before we do. Call once, before the first verb.
  static void CatchBrokenPipes();

  // Parses the arguments with `*flags`, to which the global ones are added. Returns an exit code
  // when that is all: after --help, or after a mistake, which it has reported.
  std::optional<int> Parse(FlagSet* flags, Arity arity);

  // The arguments beside the flags.
  const std::vector<std::string>& arguments() const { return arguments_; }

  // Returns a client of the server; null, after a message, when there can be none. Keeps ownership.
  const client::Client* Connect();

  // Says why a call failed, and returns the exit code of that. `context` stands in front where it
  // is not empty.
  int Refuse(const absl::Status& error, const std::string& context = "");

  // The same for a call that had reached the server, which may be lost since.
  int RefuseLost(const absl::Status& error, const std::string& context);

  // Returns the text that Refuse says.
  std::string Describe(const absl::Status& error) const;

  // Whether output to stdout is coloured.
  bool IsColoured() const { return cli::IsColoured(globals_.colour, STDOUT_FILENO); }

  const Console& console() const { return console_; }
  OutFile& out() { return out_; }
  // For data; messages go to console().
  OutFile& err() { return err_; }
  // Where the messages of a stream go for programs; null when the user wants none.
  OutFile* messages() { return messages_.has_value() ? &*messages_ : nullptr; }
  // Call at most once. The descriptor of `file` is ours from now on.
  void SetMessages(const OutFile& file) { messages_.emplace(file); }

  // Closes stdout and the place of messages, and reports what was lost. Returns the exit code after
  // `code`. Does not return after EPIPE: the process dies of SIGPIPE, as a local program would
  // have, unless it was started to ignore that.
  int Conclude(int code);

 private:
  const Verb& verb_;
  std::vector<std::string> arguments_;
  GlobalFlags globals_;
  Console console_;
  OutFile out_;
  OutFile err_;
  std::optional<OutFile> messages_;
  // As Connect resolved it.
  client::ConnectOptions server_;
  std::unique_ptr<client::Client> client_;
};

}  // namespace proctor::cli
