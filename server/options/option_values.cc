#include "server/options/option_values.h"

#include <grp.h>

#include <cerrno>

#include "core/flags/measure.h"
#include "proctor/error.h"

namespace proctor::server {
namespace {

// Whether getgrnam(3) could not look. For a missing group it gives one of the other values.
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

absl::StatusOr<uint64_t> ParseSize(const std::string& value) {
  const std::optional<uint64_t> size = ReadSize(value);
  if (size.has_value()) return *size;
  return absl::InvalidArgumentError(absl::StrCat("'", value, "' is not a size like 512M"));
}

absl::Status SetGroup(std::optional<gid_t>& field, const std::string& value) {
  gid_t number = 0;
  if (absl::SimpleAtoi(value, &number)) {
    // chown takes this number for "leave the group as it is".
    if (number == static_cast<gid_t>(-1)) {
      return absl::InvalidArgumentError(absl::StrCat("'", value, "' is the number of no group"));
    }
    field = number;
    return absl::OkStatus();
  }
  errno = 0;
  const group* found = ::getgrnam(value.c_str());
  if (found == nullptr && IsLookupError(errno)) {
    return absl::UnavailableError(absl::StrCat("look up group '", value, "': ", ErrnoText(errno)));
  }
  if (found == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("there is no group '", value, "'"));
  }
  field = found->gr_gid;
  return absl::OkStatus();
}

}  // namespace proctor::server
