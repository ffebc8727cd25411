#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/cli/command/invocation.h"
#include "client/cli/select/selector.h"
#include "proctor/client/client.h"
#include "proctor/client/error.h"

namespace proctor::cli {

// The processes or sessions of a verb: does one thing for each, all at once.
//
// Called by one thread, after Invocation::Parse.

// The result for one target.
struct TargetResult {
  absl::Status error;
  // The server was reached before: an error means that it was lost, not that there is none.
  bool reached = false;
  // For stdout.
  std::string data;
  // The data stands behind the id that the user wrote.
  bool named = false;
  // What the user should know, a line each; it stands behind the id.
  std::vector<std::string> notes;
  // The exit code when the call succeeded, but its answer is no.
  int code = 0;
};

// Does the work for a whole id; called on several threads at once.
using ActOnTarget =
    std::function<void(const client::Client& client, const std::string& id, TargetResult* result)>;

using PrintData = std::function<void(const std::string& data)>;

// Calls `act` for each process that the arguments name, with ids that may be shortened. Goes on
// after a refused one. Reports results in the order of the arguments, by the ids that the user
// wrote; data goes to `print`, or else to stdout. Returns the exit code: that of a failure if a
// call failed, else the largest.
int ForEachProcess(Invocation& invocation, const ActOnTarget& act, const PrintData& print = {});

// The same for those that the selector chooses among the processes of `among`, when it is given.
// Says when none is found, which is no failure.
int ForEachProcess(Invocation& invocation, const Selector& selector,
                   const v1::ListProcessesRequest& among, const ActOnTarget& act,
                   const PrintData& print = {});

// The same for processes from a list, by their whole ids. One that is gone since is no failure.
int ForEachFound(Invocation& invocation, const std::vector<std::string>& ids,
                 const ActOnTarget& act, const PrintData& print = {});

// The same for sessions. Refuses an empty id before anything is done: the server would take it for
// the default session, and a script's empty variable means none.
int ForEachSession(Invocation& invocation, const ActOnTarget& act, const PrintData& print = {});

}  // namespace proctor::cli
