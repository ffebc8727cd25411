#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/command/invocation.h"
#include "core/flags/flag_set.h"
#include "proctor/client/client.h"
#include "proctor/client/error.h"
#include "proctor/v1/process_service.pb.h"

namespace proctor::cli {

// The flags by which a verb takes processes without their names: by labels, or all.
//
// A value; used by one thread.
//
// Order of calls: AddTo; after the parsing Check, then the rest.
class Selector {
 public:
  // Adds -l, --all and -q to `*flags`; this must outlive it. `all` is what --all says it takes.
  void AddTo(FlagSet* flags, const std::string& all);

  // Checks that the user has said which processes: by ids or by flags, not by both. Else reports
  // that, and returns an exit code.
  std::optional<int> Check(const Invocation& invocation) const;

  // Whether flags choose, and not ids.
  bool given() const { return all_ || !labels_.empty(); }
  bool all() const { return all_; }
  // Whether to say nothing when none is found.
  bool quiet() const { return quiet_; }

  // From now on List takes only processes that pass.
  void TakeOnly(std::function<bool(const v1::Process&)> pass) { pass_ = std::move(pass); }

  // Returns the ids that the flags choose, among the processes of `among`.
  absl::Status List(const client::Client& client, v1::ListProcessesRequest among,
                    std::vector<std::string>* ids) const;

 private:
  google::protobuf::Map<std::string, std::string> labels_;
  std::function<bool(const v1::Process&)> pass_;
  bool all_ = false;
  bool quiet_ = false;
};

}  // namespace proctor::cli
