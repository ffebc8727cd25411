#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/fact/process_info.h"
#include "proctor/command.h"
#include "proctor/v1/process.pb.h"

namespace proctor::storage {

// A process, as it is stored: proctor.v1.Process, in binary, with its whole specification but the
// values of its environment. Pure functions.
std::string EncodeProcess(const ProcessInfo& info);
// Errors: DataLoss (STORAGE_CORRUPT) when `body` is none.
absl::StatusOr<ProcessInfo> DecodeProcess(std::string_view body);

// Returns what is stored of the command that a request started, to tell a repetition from another
// request. It is 64 bits of FNV-1a over the specification with the values of its environment, in
// the one form that a message has. Enough for a slip of a caller, and the same in every build.
std::string DigestOf(const Command& command);

ProcessState StateOf(const v1::Process& stored);

}  // namespace proctor::storage
