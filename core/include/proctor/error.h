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
// `field` names the argument, or the member of the struct that the function was given, by its path:
// "argv", "user.group", "rlimits[1].soft".
absl::Status InvalidField(std::string_view field, std::string_view message);

// The field that an error names; empty where it names none.
std::string FieldOf(const absl::Status& error);

// The same error about `field`: in its variables, and at the front of its message where the old
// field stood there. An error that names no field stays as it is.
absl::Status WithField(const absl::Status& error, std::string_view field);

// The same error about a part of `member`, for a function that holds the struct as a member of its
// own: "rows" in "size" is "size.rows", and "[1].soft" in "rlimits" is "rlimits[1].soft". An error
// that names no field stays as it is.
absl::Status InMember(std::string_view member, const absl::Status& error);

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
