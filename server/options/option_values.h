#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace proctor::server {

// How the values of flags are read. Errors: InvalidArgument, in words for the command line.

// Any text but none.
absl::Status SetText(std::string& field, const std::string& value);

// A number that is `least` or more.
template <typename Number>
absl::Status SetNumber(Number& field, const std::string& value, Number least) {
  if (absl::SimpleAtoi(value, &field) && field >= least) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("'", value, "' is not a number from ", least));
}

// Bytes, or as many KiB, MiB or GiB with K, M or G behind the number.
absl::StatusOr<uint64_t> ParseSize(const std::string& value);

// A name of the group database, or a number. On the main thread, before there are others.
// Errors: also Unavailable where the database cannot be read now.
absl::Status SetGroup(std::optional<gid_t>& field, const std::string& value);

}  // namespace proctor::server
