#include "server/storage/stored_state.h"

#include "server/storage/stored_process.h"
#include "server/storage/stored_request.h"
#include "server/storage/stored_session.h"

namespace proctor::storage {

std::string StoredState::Encode(const SessionInfo& info) const { return EncodeSession(info); }

std::string StoredState::Encode(const ProcessInfo& info) const { return EncodeProcess(info); }

absl::StatusOr<SessionInfo> StoredState::DecodeSession(std::string_view body) const {
  return storage::DecodeSession(body);
}

absl::StatusOr<ProcessInfo> StoredState::DecodeProcess(std::string_view body) const {
  return storage::DecodeProcess(body);
}

std::string StoredState::Digest(const Command& command) const { return DigestOf(command); }

}  // namespace proctor::storage
