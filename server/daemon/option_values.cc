#include "server/daemon/option_values.h"

#include <grp.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/strip.h"

namespace proctor::server {
namespace {

// Whether getgrnam(3) could not look; of a group that is not there it says one of the others.
bool IsLookupError(int error) {
  for (const int one : {EINTR, EIO, EMFILE, ENFILE, ENOMEM, ERANGE}) {
    if (error == one) return true;
  }
  return false;
}

}  // namespace

absl::Status SetText(std::string& field, const std::string& value) {
  if (value.empty()) return absl::InvalidArgumentError("is empty");
  field = value;
  return absl::OkStatus();
}

bool ReadDuration(const std::string& value, absl::Duration* duration) {
  const bool is_number = !value.empty() && value.find_first_not_of("0123456789.") == value.npos;
  return absl::ParseDuration(is_number ? value + "s" : value, duration);
}

absl::StatusOr<uint64_t> ParseSize(const std::string& value) {
  absl::string_view digits = value;
  int shift = 0;
  if (absl::ConsumeSuffix(&digits, "K")) shift = 10;
  if (shift == 0 && absl::ConsumeSuffix(&digits, "M")) shift = 20;
  if (shift == 0 && absl::ConsumeSuffix(&digits, "G")) shift = 30;
  uint64_t number = 0;
  if (absl::SimpleAtoi(digits, &number) && number <= UINT64_MAX >> shift) return number << shift;
  return absl::InvalidArgumentError(absl::StrCat("'", value, "' is not a size like 512M"));
}

absl::Status SetGroup(std::optional<gid_t>& field, const std::string& value) {
  gid_t number = 0;
  if (absl::SimpleAtoi(value, &number)) {
    // By which chown leaves a file the group that it has.
    if (number == static_cast<gid_t>(-1)) {
      return absl::InvalidArgumentError(absl::StrCat("'", value, "' is the number of no group"));
    }
    field = number;
    return absl::OkStatus();
  }
  errno = 0;
  const group* found = ::getgrnam(value.c_str());
  if (found == nullptr && IsLookupError(errno)) {
    return absl::UnavailableError(
        absl::StrCat("look up group '", value, "': ", std::string(std::strerror(errno))));
  }
  if (found == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("there is no group '", value, "'"));
  }
  field = found->gr_gid;
  return absl::OkStatus();
}

}  // namespace proctor::server
