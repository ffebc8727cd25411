#pragma once

#include <string>
#include <string_view>

#include "core/ledger/state_codec.h"

namespace proctor::storage {

// The forms in which sessions, processes and requests are stored: messages of the contract, in
// binary. They may change as protobuf allows, and a later version reads what an earlier one wrote.
//
// Thread-safety: all methods from any thread.
class StoredState final : public StateCodec {
 public:
  std::string Encode(const SessionInfo& info) const override;
  std::string Encode(const ProcessInfo& info) const override;
  absl::StatusOr<SessionInfo> DecodeSession(std::string_view body) const override;
  absl::StatusOr<ProcessInfo> DecodeProcess(std::string_view body) const override;
  std::string Digest(const Command& command) const override;
};

}  // namespace proctor::storage
