#pragma once

#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "proctor/reason.h"

namespace proctor {

// Errors of the core: an absl::Status that also carries a reason, constant for
// one kind of error, and the variables. They travel as a payload of the status,
// so that the core needs no Protobuf and the server loses nothing.
//
// Thread-safety: pure functions.

using ErrorMetadata = std::map<std::string, std::string>;

// Makes an error.
absl::Status MakeError(absl::StatusCode code, Reason reason, std::string_view message,
                       const ErrorMetadata& metadata = {});

// Makes the error of a malformed field: INVALID_ARGUMENT, INVALID_FIELD.
// `field` is its path in the contract, for example "spec.argv".
absl::Status InvalidField(std::string_view field, std::string_view message);

// Makes an error from errno, in the form "operation 'object': No such file or
// directory", with errno and errno_name in the metadata. `object` may be empty.
absl::Status ErrnoError(absl::StatusCode code, Reason reason, std::string_view operation,
                        std::string_view object, int error, ErrorMetadata metadata = {});

// As above for what no caller can cause: INTERNAL, SYSTEM_CALL_FAILED.
absl::Status SystemError(std::string_view operation, int error);

// Makes an error of another server's words: `reason` may be one that this version does not know.
absl::Status MakeForeignError(absl::StatusCode code, std::string_view reason,
                              std::string_view message, const ErrorMetadata& metadata);

// The reason of an error; kNone of a status that has none, or one that is not known.
Reason ReasonOf(const absl::Status& status);

// The word for it, also where it is not known; "" of a status that has none.
std::string ErrorReason(const absl::Status& status);

// The variables of an error; empty where there are none.
ErrorMetadata ErrorVariables(const absl::Status& status);

// "ENOENT" for 2, and so on; the number in words that has no name.
std::string ErrnoName(int error);

// The words of strerror(3), safely from any thread.
std::string ErrnoText(int error);

}  // namespace proctor
