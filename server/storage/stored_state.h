#pragma once

#include <string>
#include <string_view>

#include "core/ledger/state_codec.h"
#include "server/storage/stored_process.h"
#include "server/storage/stored_session.h"

namespace proctor::storage {

// The forms in which sessions, processes and requests are stored: messages of the contract, in
// binary. They may change as protobuf allows, and a later version reads what an earlier one wrote.
//
// Thread-safety: all methods from any thread.
class StoredState final : public StateCodec {
 public:
  std::string Encode(const SessionInfo& info) const override { return EncodeSession(info); }
  std::string Encode(const ProcessInfo& info) const override { return EncodeProcess(info); }
  absl::StatusOr<SessionInfo> DecodeSession(std::string_view body) const override {
    return storage::DecodeSession(body);
  }
  absl::StatusOr<ProcessInfo> DecodeProcess(std::string_view body) const override {
    return storage::DecodeProcess(body);
  }
  std::string Digest(const Command& command) const override { return DigestOf(command); }
};

}  // namespace proctor::storage
