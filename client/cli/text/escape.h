#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "google/protobuf/repeated_ptr_field.h"
#include "proctor/v1/process.pb.h"

namespace proctor::cli {

// Foreign text in a form that is safe for a terminal (core/base/printable_text.h).
//
// Pure functions; thread-safe.

// A command line on one line, quoted where a shell would need it, and escaped.
std::string CommandText(const google::protobuf::RepeatedPtrField<std::string>& argv);

// The same of a process, with "…" behind it when some of it was left out.
std::string CommandText(const v1::Process& process);

// Returns as much as fits in `columns` of a terminal, ending in "…" when some was left out.
std::string Truncate(std::string text, size_t columns);

}  // namespace proctor::cli
