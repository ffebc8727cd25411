// Makes text from elsewhere harmless to a terminal.
//
// Pure functions; thread-safe.
#ifndef PROCTOR_CLIENT_CLI_ESCAPE_H_
#define PROCTOR_CLIENT_CLI_ESCAPE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "google/protobuf/repeated_ptr_field.h"
#include "proctor/v1/process.pb.h"

namespace proctor::cli {

// Replaces control characters, C1 ones and bytes that are not UTF-8 by "\n", "\t" or "\xNN".
std::string EscapeControls(std::string_view text);

// A command line on one line, quoted where a shell would need it, and escaped.
std::string CommandText(const google::protobuf::RepeatedPtrField<std::string>& argv);

// The same of a process, with "…" behind it where some of it was left out.
std::string CommandText(const v1::Process& process);

// The first `columns` characters, the last of them "…" if some were left out.
std::string Truncate(std::string text, size_t columns);

// The position of the first byte that is not UTF-8; none if all are.
std::optional<size_t> FindInvalidUtf8(std::string_view text);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENT_CLI_ESCAPE_H_
