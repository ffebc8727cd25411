#pragma once

#include <string>
#include <string_view>

#include "absl/strings/str_join.h"
#include "core/ledger/state_codec.h"

namespace proctor {

// Keeps of a process its id alone, of a session nothing, and reads neither back.
class FakeStateCodec : public StateCodec {
 public:
  std::string Encode(const SessionInfo&) const override { return ""; }
  std::string Encode(const ProcessInfo& info) const override { return "process " + info.id; }
  absl::StatusOr<SessionInfo> DecodeSession(std::string_view) const override {
    return absl::DataLossError("");
  }
  absl::StatusOr<ProcessInfo> DecodeProcess(std::string_view) const override {
    return absl::DataLossError("");
  }
  std::string Digest(const Command& command) const override {
    return "digest of " + absl::StrJoin(command.argv, " ");
  }
};

}  // namespace proctor
