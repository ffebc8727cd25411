#include "client/cli/command/verb.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/flags/flag_text.h"
#include "client/cli/flags/global_flags.h"
#include "client/cli/text/fill.h"
#include "core/flags/flag_set.h"

namespace proctor::cli {
namespace {

constexpr Verb kVerbs[] = {
    {"run", "[FLAGS] [--] COMMAND [ARGUMENT...]", "run a process and stay with it",
     "Runs COMMAND on the server, with its output on our stdout and stderr, and exits as it\n"
     "did: its own code, 128 + n for signal n, 124 if a timeout ended it, 127 and 126 for a\n"
     "program that is not there or cannot be run, and 125 for everything else, a lost stream\n"
     "included. SIGINT, SIGTERM, SIGHUP and SIGQUIT are passed on to its process group; three\n"
     "SIGINT within two seconds give up. If we end first, the process is killed; with -t its\n"
     "terminal is hung up, as with ssh; with --keep it goes on (--on-disconnect).\n\n"
     "With -it our terminal is the process's: every key goes there at once, but for ~. at the\n"
     "start of a line, which disconnects, ~d, which detaches (the process goes on, and 'proctor\n"
     "attach -it' finds it again), and ~?, which lists such commands.",
     RunVerb},
    {"ps", "[FLAGS]", "list processes",
     "Lists processes: those that run or, with -a, all. A process that was lost with its server\n"
     "is \"lost\" (with -a): nobody knows whether it runs. Where its control group is known, the\n"
     "table says how many run on, also without -a: kill --tree and stop --tree reach them.\n\n"
     "With -w it goes on: on a terminal the table is painted anew when something changed, in a\n"
     "pipe each change is a line. A template of --format has fields and \\t, \\n and \\\\.",
     PsVerb},
    {"logs", "[FLAGS] ID", "print what a process wrote",
     "Prints the retained output of a process, its stdout and stderr on ours, and says what is\n"
     "not kept any more. That of an ended one can be had when its session is closed or the\n"
     "server was restarted, too. TIME is so long ago (10m, 1h30m), or a time such as\n"
     "2026-01-02T15:04:05Z, or a local one without the Z, or 15:04 of today.\n"
     "A lost server is tried again (--reconnect), and no byte is missing or comes twice.",
     LogsVerb},
    {"attach", "[FLAGS] ID", "join a process that was started before",
     "Joins a process, from the start of its output if not told otherwise, and exits as it\n"
     "does. Ctrl-C detaches; with -i it is passed on to the process. A lost server is tried again\n"
     "(--reconnect).\n\n"
     "A process that has a terminal gets ours with -i, as with run -it. What its terminal has\n"
     "shown is not shown again, but the program is asked to draw its screen.",
     AttachVerb},
    {"kill", "[FLAGS] ID...|-l K=V|--all", "send a signal to processes",
     "Sends SIGKILL, or the signal of -s, to processes. -s 0 sends nothing, and exits with 0 if\n"
     "all of them run, else with 1.",
     KillVerb},
    {"stop", "[FLAGS] ID...|-l K=V|--all", "end processes gracefully",
     "Ends processes: a signal, time to act on it, then SIGKILL; by their own stop policies if\n"
     "not told otherwise. Returns when they have ended. What a lost server has left of a process\n"
     "is ended by --tree, where it is known by a control group.",
     StopVerb},
    {"restart", "[FLAGS] ID...", "stop processes and start them again",
     "Stops processes, where they still run, and starts for each a new one with the\n"
     "same specification, in the background, whose id is printed. The old one stays\n"
     "listed. What had variables of its own cannot be started again once the server\n"
     "was: their values are not stored.",
     RestartVerb},
    {"stats", "[FLAGS] [ID...]", "show what processes use",
     "Shows processor, memory and threads of running processes, all of them or those\n"
     "named, with their descendants: on a terminal again each second until Ctrl-C,\n"
     "else once. 100 % is one processor. Memory is that of their control group, page\n"
     "cache included, or, where they have none, the sum of what each has in memory.",
     StatsVerb},
    {"wait", "[FLAGS] ID...|-l K=V|--all", "wait for processes to end",
     "Waits for processes and prints their exit codes, one a line, behind their ids where there\n"
     "are several. Exits with the code of the process if there is one only. tree-empty is when\n"
     "none of its descendants is left either. A lost server is tried again (--reconnect).",
     WaitVerb},
    {"write", "[FLAGS] ID", "write our stdin to a process",
     "Writes our stdin to the stdin of a process, and returns when its pipe has taken all. If the\n"
     "server is lost meanwhile, it is tried again for half a minute; no byte arrives twice.",
     WriteVerb},
    {"update", "[FLAGS] ID...", "change labels and retention of processes",
     "Changes the labels of processes, and how much of their output is kept.", UpdateVerb},
    {"cancel", "[FLAGS] REQUEST_ID", "make sure that a start never happens",
     "Cancels the start that was, or will be, asked for with this --request-id: if it has\n"
     "started a process already, that is killed, unless it had ended, and its id printed; if\n"
     "not, it never will.",
     CancelVerb},
    {"inspect", "[FLAGS] ID...|-l K=V|--all", "print all that is known of processes",
     "Prints a process as a JSON object, several as an array of them.", InspectVerb},
    {"rm", "[FLAGS] ID...|-l K=V|--all", "forget ended processes",
     "Forgets ended processes, their output and their exit statuses.", RmVerb},
    {"prune", "[FLAGS]", "forget all that has ended",
     "Forgets all ended processes, or those that the flags choose, with their output and exit\n"
     "statuses, and says how many. Asks before, at a terminal; elsewhere it wants -f. What a\n"
     "lost server has left running, or may have, is not forgotten; --filter state=lost\n"
     "forgets what may run on, but not what does.",
     PruneVerb},
    {"events", "[FLAGS]", "print what happened",
     "Prints the events that are kept and ends, or goes on with what happens (-f), also over a "
     "lost\n"
     "server (--reconnect).",
     EventsVerb},
    {"info", "[FLAGS]", "describe the server", "Prints what the server is and can do.", InfoVerb},
    {"debug", "[FLAGS] [SESSION]", "show what goes on inside of the server",
     "Prints what the server's loops, watchers, sessions, processes and streams do: for when\n"
     "something hangs. A thread that does not answer within a second is named, with how long it\n"
     "has been busy. With a session only what is in it. The text is for people, and changes\n"
     "from version to version.",
     DebugVerb},
    {"dashboard", "[FLAGS]", "print a link to the dashboard",
     "Prints a link that signs one browser in to the dashboard of a server that has one\n"
     "(proctord --http). It can be used once, within ten minutes. Who is signed in can also\n"
     "stop, feed and restart processes there, where --look-only does not say otherwise.",
     DashboardVerb},
    {"session create", "[FLAGS]", "open a session", "Opens a session and prints its id.",
     SessionCreateVerb},
    {"session ls", "[FLAGS]", "list sessions",
     "Lists sessions, the open ones or, with -a, all. The default one has a *.", SessionLsVerb},
    {"session set", "--watcher NAME ID...", "change sessions",
     "Chooses the child watcher of what is started in the sessions from now on. What runs is\n"
     "finished by the watcher that it was started with.",
     SessionSetVerb},
    {"session renew", "[FLAGS] ID...", "renew the leases of sessions",
     "Starts the leases of sessions anew.", SessionRenewVerb},
    {"session close", "[FLAGS] ID...", "close sessions",
     "Closes sessions and ends their processes. Returns when they have ended.", SessionCloseVerb},
    {"session inspect", "[FLAGS] ID...", "print all that is known of sessions",
     "Prints a session as a JSON object, several as an array of them.", SessionInspectVerb},
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

// Returns a line for each verb with this beginning of its name: what it does.
std::string ListBelow(const std::string& prefix) {
  std::string text;
  for (const Verb& verb : kVerbs) {
    if (!absl::StartsWith(verb.name, prefix)) continue;
    std::string left = absl::StrCat("  ", verb.name);
    left.resize(20, ' ');
    absl::StrAppend(&text, left, verb.summary, "\n");
  }
  return text;
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

std::string FamilyHelp(const std::vector<std::string>& words) {
  const bool by_verb = words.size() == 2 && words[0] == "help";
  const bool by_flag = words.size() == 2 && (words[1] == "--help" || words[1] == "-h");
  if (words.size() != 1 && !by_verb && !by_flag) return "";
  const std::string family = absl::StrCat(by_verb ? words[1] : words[0], " ");
  const std::string list = ListBelow(family);
  if (list.empty()) return "";
  return absl::StrCat("Usage: proctor ", family, "VERB [FLAGS] [ARGUMENTS]\n\nVerbs:\n", list,
                      "\n'proctor ", family, "VERB --help' says more.\n");
}

std::string HelpText() {
  GlobalFlags global;
  FlagSet flags(FlagSet::Order::kFlagsFirst);
  global.AddToFront(&flags);
  return absl::StrCat(
      "Usage: proctor [GLOBAL FLAGS] VERB [FLAGS] [ARGUMENTS]\n\n"
      "Runs processes on a server and tells how each ended.\n\nVerbs:\n",
      ListBelow(""), FlagsHelp(flags), "\n",
      Fill("'proctor help VERB' or 'proctor VERB --help' says more. Ids of processes and sessions "
           "may be shortened to their first characters, three or more. A DURATION is 500ms, 10s, "
           "5m or 1h30m; a bare number is seconds.",
           kHelpColumns));
}

}  // namespace proctor::cli
