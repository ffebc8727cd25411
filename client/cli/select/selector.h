#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/command/invocation.h"
#include "client/connection/error.h"
#include "client/cpp/client.h"
#include "core/flags/flag_set.h"
#include "proctor/v1/process_service.pb.h"

namespace proctor::cli {

// The flags by which a verb takes processes that nobody names: by their labels, or all.
//
// A value; used by one thread.
//
// Order of calls: AddTo; after the parsing Check, then the rest.
class Selector {
 public:
  // Adds -l, --all and -q to `*flags`; this must outlive it. `all` is what --all says it takes.
  void AddTo(FlagSet* flags, const std::string& all);

  // Whether the user has said which processes: by ids or by flags, not by both. An exit code, and
  // told, where not.
  std::optional<int> Check(const Invocation& invocation) const;

  // Whether flags choose, and not ids.
  bool given() const { return all_ || !labels_.empty(); }
  bool all() const { return all_; }
  // Nothing is to be said where none is found.
  bool quiet() const { return quiet_; }

  // Of those that the flags choose, List takes only what passes.
  void TakeOnly(std::function<bool(const v1::Process&)> pass) { pass_ = std::move(pass); }

  // The ids of those among what `among` asks for.
  absl::Status List(const client::Client& client, v1::ListProcessesRequest among,
                    std::vector<std::string>* ids) const;

 private:
  google::protobuf::Map<std::string, std::string> labels_;
  std::function<bool(const v1::Process&)> pass_;
  bool all_ = false;
  bool quiet_ = false;
};

}  // namespace proctor::cli
