#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/cli/command/invocation.h"
#include "client/cli/select/selector.h"
#include "client/connection/error.h"
#include "client/cpp/client.h"

namespace proctor::cli {

// The processes or sessions that a verb is about: does one thing for each, for all at once.
//
// Called by one thread, after Invocation::Parse.

// What came of one target.
struct TargetResult {
  absl::Status error;
  // The server had been reached before: an error says that it was lost, not that it is not there.
  bool reached = false;
  // For stdout.
  std::string data;
  // The data stands behind the id that the user wrote.
  bool named = false;
  // What the user should know, a line each; it stands behind the id.
  std::vector<std::string> notes;
  // The exit code where the call succeeded, and what was asked for is not so.
  int code = 0;
};

// Does it for the one of this id, which is whole; called on several threads at once.
using ActOnTarget =
    std::function<void(const client::Client& client, const std::string& id, TargetResult* result)>;

using PrintData = std::function<void(const std::string& data)>;

// Calls `act` for each process that the arguments name, with ids that may be shortened. One that is
// refused does not spare the others. What came of them is said in the order of the arguments, each
// by the id that the user wrote; data goes to `print`, or else to stdout. Returns the exit code:
// that of a failure if a call failed, else the largest.
int ForEachProcess(Invocation& invocation, const ActOnTarget& act, const PrintData& print = {});

// The same for those that the selector chooses among what `among` asks for, where it is given. That
// none is found is said, and no failure.
int ForEachProcess(Invocation& invocation, const Selector& selector,
                   const v1::ListProcessesRequest& among, const ActOnTarget& act,
                   const PrintData& print = {});

// The same for processes that a list has told of, by their whole ids. One that has gone its way
// since is no failure.
int ForEachFound(Invocation& invocation, const std::vector<std::string>& ids,
                 const ActOnTarget& act, const PrintData& print = {});

// The same for sessions. An empty id is refused before anything is done: the server would take it
// for the default session, and a script's empty variable means none.
int ForEachSession(Invocation& invocation, const ActOnTarget& act, const PrintData& print = {});

}  // namespace proctor::cli
