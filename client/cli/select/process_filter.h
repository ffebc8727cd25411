#pragma once

#include <functional>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "client/cli/print/process_row.h"
#include "core/flags/flag_set.h"
#include "proctor/client/client.h"
#include "proctor/client/error.h"
#include "proctor/v1/event_service.pb.h"
#include "proctor/v1/process_service.pb.h"

namespace proctor::cli {

// Which processes a list is about: --filter, --label and --session.
//
// A value; used by one thread.
//
// Order of calls: AddTo; after the parsing AddDefault; Complete, then the rest.
class ProcessFilter {
 public:
  // Adds its flags to `*flags`; this must outlive it. `letter` is the short form of --filter; 0 is
  // none.
  void AddTo(FlagSet* flags, char letter);

  // Whether the user wants this state.
  bool Wants(ProcessWord word) const { return words_.count(word) > 0; }
  // Adds a state when the user has named none; returns whether it did.
  bool AddDefault(ProcessWord word);
  // Also takes processes of a lost server with something left, in any state.
  void IncludeSurvivors() { request_.set_include_survivors(true); }

  // Makes the session's id a whole one. Errors as CompleteSessionId.
  absl::Status Complete(const client::Client& client);

  // Calls `take` for all that pass, in the server's order, until it returns false. Checks the
  // states here; the server checks the rest.
  absl::Status ForEach(const client::Client& client,
                       const std::function<bool(const v1::Process&)>& take) const;

  // Whether a process passes that came from no list; and whether it would in the right state.
  bool Passes(const v1::Process& process) const;
  bool PassesInAnyState(const v1::Process& process) const;

  // The events of the processes that may pass.
  v1::EventFilter Events() const;

 private:
  bool HasState(const v1::Process& process) const;
  absl::Status Accept(const std::string& text);
  absl::Status AcceptSession(const std::string& id);
  void AddWord(ProcessWord word);

  v1::ListProcessesRequest request_;
  // More exact than the contract's states; all where empty.
  std::set<ProcessWord> words_;
  bool defaults_ = false;
};

}  // namespace proctor::cli
