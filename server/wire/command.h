#pragma once

#include "absl/status/statusor.h"
#include "core/command/stop_override.h"
#include "core/process/process.h"
#include "proctor/command.h"
#include "proctor/v1/process.pb.h"

namespace proctor::wire {

// Returns the checked command of a specification. `overflow` holds when the specification leaves it
// open.
// Errors: InvalidArgument (INVALID_FIELD).
absl::StatusOr<Command> CommandFromProto(const v1::ProcessSpec& spec, OverflowPolicy overflow);

// Returns the specification of a command, without the values of the environment.
v1::ProcessSpec ToProto(const Command& command);

// The same, without argv and env.
v1::ProcessSpec ToProtoWithoutStrings(const Command& command);

// Adds argv and the names of env to that.
void AddStrings(const Command& command, v1::ProcessSpec* spec);

// Not checked: ValidateTerminalSize does.
TerminalSize FromProto(const v1::TerminalSize& size);

// Errors: InvalidArgument (INVALID_FIELD) naming `field`.
absl::StatusOr<SignalScope> ScopeFromProto(v1::SignalScope scope, SignalScope unspecified,
                                           std::string_view field);
// `has_terminal`: of the process, which decides when the caller does not.
absl::StatusOr<DisconnectPolicy> DisconnectFromProto(v1::DisconnectPolicy policy, bool has_terminal,
                                                     std::string_view field);
absl::StatusOr<int> SignalFromProto(const std::string& signal, std::string_view field);
// What is unset in `policy` stays as it is in the process's own.
absl::StatusOr<StopOverride> StopOverrideFromProto(const v1::StopPolicy& policy,
                                                   std::string_view field);
absl::StatusOr<StopPolicy> StopPolicyFromProto(const v1::StopPolicy& policy,
                                               std::string_view field);

v1::SignalScope ToProto(SignalScope scope);
v1::OverflowPolicy ToProto(OverflowPolicy overflow);

}  // namespace proctor::wire
