#pragma once

#include <span>
#include <string>
#include <vector>

namespace proctor::cli {

// The verbs of the command, and the search for one by its words.
//
// Constant data; thread-safe.

class Invocation;

struct Verb {
  // One word, or two: "session ls".
  const char* name;
  // What follows the name in the usage line.
  const char* synopsis;
  // One line, for the list of verbs.
  const char* summary;
  // What --help says beneath the usage line.
  const char* about;
  // Runs the verb; returns the exit code.
  int (*run)(Invocation&);
};

// All of them, in the order of the help text.
std::span<const Verb> Verbs();

// Finds the verb at the start of `words` and removes its words from there. Returns null when there
// is none; `*mistake` then says what was wrong.
const Verb* FindVerb(std::vector<std::string>* words, std::string* mistake);

// Returns the list of a family's verbs when `words` are its name alone ("session"), or ask for help
// on it ("session --help", "help session"); else an empty text.
std::string FamilyHelp(const std::vector<std::string>& words);

// The text of `proctor help`.
std::string HelpText();

// Each verb is at home in the file named after it or its family.
int RunVerb(Invocation& invocation);
int PsVerb(Invocation& invocation);
int LogsVerb(Invocation& invocation);
int AttachVerb(Invocation& invocation);
int KillVerb(Invocation& invocation);
int StopVerb(Invocation& invocation);
int RestartVerb(Invocation& invocation);
int StatsVerb(Invocation& invocation);
int WaitVerb(Invocation& invocation);
int WriteVerb(Invocation& invocation);
int UpdateVerb(Invocation& invocation);
int CancelVerb(Invocation& invocation);
int InspectVerb(Invocation& invocation);
int RmVerb(Invocation& invocation);
int PruneVerb(Invocation& invocation);
int EventsVerb(Invocation& invocation);
int InfoVerb(Invocation& invocation);
int DebugVerb(Invocation& invocation);
int DashboardVerb(Invocation& invocation);
int SessionCreateVerb(Invocation& invocation);
int SessionLsVerb(Invocation& invocation);
int SessionSetVerb(Invocation& invocation);
int SessionRenewVerb(Invocation& invocation);
int SessionCloseVerb(Invocation& invocation);
int SessionInspectVerb(Invocation& invocation);
int VersionVerb(Invocation& invocation);
int HelpVerb(Invocation& invocation);

}  // namespace proctor::cli
