#include "client/cli/verb.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/flag_set.h"

namespace proctor::cli {
namespace {

constexpr Verb kVerbs[] = {
    {"run", "[FLAGS] [--] COMMAND [ARGUMENT...]", "run a process and stay with it",
     "Runs COMMAND on the server, with its output on our stdout and stderr, and exits as it\n"
     "did: its own code, 128 + n for signal n, 127 and 126 for a program that is not there or\n"
     "cannot be run, and 125 for everything else, a lost stream included. SIGINT, SIGTERM,\n"
     "SIGHUP and SIGQUIT are passed on to its process group; three SIGINT within two seconds\n"
     "give up. If we end first, the process is killed, unless --keep is given.",
     RunVerb},
    {"ps", "[FLAGS]", "list processes", "Lists processes, those that run or, with -a, all.",
     PsVerb},
    {"logs", "[FLAGS] ID", "print what a process wrote",
     "Prints the retained output of a process, its stdout and stderr on ours.", LogsVerb},
    {"attach", "[FLAGS] ID", "join a process that was started before",
     "Joins a process, from the start of its output if not told otherwise, and exits as it\n"
     "does. Ctrl-C detaches; with -i it is passed on to the process.",
     AttachVerb},
    {"kill", "[FLAGS] ID...", "send a signal to processes",
     "Sends SIGKILL, or the signal of -s, to processes.", KillVerb},
    {"stop", "[FLAGS] ID...", "end processes gracefully",
     "Ends processes: a signal, time to act on it, then SIGKILL; by their own stop policies if\n"
     "not told otherwise. Returns when they have ended.",
     StopVerb},
    {"wait", "[FLAGS] ID...", "wait for processes to end",
     "Waits for processes and prints their exit codes, one a line. Exits with the code of the\n"
     "process if there is one only.",
     WaitVerb},
    {"inspect", "[FLAGS] ID...", "print all that is known of processes",
     "Prints processes as JSON.", InspectVerb},
    {"rm", "[FLAGS] ID...", "forget ended processes",
     "Forgets ended processes, their output and their exit statuses.", RmVerb},
    {"events", "[FLAGS]", "print what happened",
     "Prints the events that are kept and ends, or goes on with what happens (-f).", EventsVerb},
    {"info", "[FLAGS]", "describe the server", "Prints what the server is and can do.", InfoVerb},
    {"session create", "[FLAGS]", "open a session", "Opens a session and prints its id.",
     SessionCreateVerb},
    {"session ls", "[FLAGS]", "list sessions", "Lists sessions, the open ones or, with -a, all.",
     SessionLsVerb},
    {"session set", "--watcher NAME ID...", "change sessions",
     "Chooses the child watcher of what is started in the sessions from now on. What runs is\n"
     "finished by the watcher that it was started with.",
     SessionSetVerb},
    {"session close", "[FLAGS] ID...", "close sessions",
     "Closes sessions and ends their processes. Returns when they have ended.", SessionCloseVerb},
    {"session inspect", "[FLAGS] ID...", "print all that is known of sessions",
     "Prints sessions as JSON.", SessionInspectVerb},
    {"version", "", "print the version of this command", "Prints the version of this command.",
     VersionVerb},
    {"help", "[VERB]", "explain a verb", "Explains a verb, or lists them.", HelpVerb},
};

std::vector<std::string> NamesBelow(const std::string& prefix) {
  std::vector<std::string> names;
  for (const Verb& verb : kVerbs) {
    if (absl::StartsWith(verb.name, prefix)) names.push_back(verb.name);
  }
  return names;
}

}  // namespace

std::span<const Verb> Verbs() { return kVerbs; }

const Verb* FindVerb(std::vector<std::string>* words, std::string* mistake) {
  if (words->empty()) {
    *mistake = "a verb is missing";
    return nullptr;
  }
  std::string name = words->front();
  size_t used = 1;
  const std::vector<std::string> family = NamesBelow(name + " ");
  if (!family.empty()) {
    if (words->size() < 2) {
      *mistake = absl::StrCat("'", name, "' needs one more word");
      return nullptr;
    }
    absl::StrAppend(&name, " ", (*words)[1]);
    used = 2;
  }
  for (const Verb& verb : kVerbs) {
    if (name != verb.name) continue;
    words->erase(words->begin(), words->begin() + static_cast<std::ptrdiff_t>(used));
    return &verb;
  }
  const std::string closest = ClosestWord(name, family.empty() ? NamesBelow("") : family);
  *mistake = absl::StrCat("unknown verb '", name, "'");
  if (!closest.empty()) absl::StrAppend(mistake, "; did you mean '", closest, "'?");
  return nullptr;
}

std::string HelpText() {
  std::string text =
      "Usage: proctor [GLOBAL FLAGS] VERB [FLAGS] [ARGUMENTS]\n\n"
      "Runs processes on a server and tells how each ended.\n\nVerbs:\n";
  for (const Verb& verb : kVerbs) {
    std::string left = absl::StrCat("  ", verb.name);
    left.resize(20, ' ');
    absl::StrAppend(&text, left, verb.summary, "\n");
  }
  absl::StrAppend(&text,
                  "\n'proctor help VERB' or 'proctor VERB --help' says more. Ids of processes "
                  "and sessions may be\nshortened to their first characters, four or more.\n");
  return text;
}

}  // namespace proctor::cli
