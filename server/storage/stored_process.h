#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/fact/process_info.h"
#include "proctor/v1/process.pb.h"

namespace proctor::storage {

// A process, as it is stored: proctor.v1.Process, in binary, with its whole specification but the
// values of its environment. Pure functions.
std::string EncodeProcess(const ProcessInfo& info);
// Errors: DataLoss (STORAGE_CORRUPT) when `body` is none.
absl::StatusOr<ProcessInfo> DecodeProcess(std::string_view body);

ProcessState StateOf(const v1::Process& stored);

}  // namespace proctor::storage
