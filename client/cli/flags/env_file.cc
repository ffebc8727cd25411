#include "client/cli/flags/env_file.h"

#include <cerrno>
#include <cstdlib>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "core/base/printable_text.h"
#include "proctor/error.h"

namespace proctor::cli {
namespace {

constexpr char kWhiteSpace[] = " \t\v\f\r";
constexpr char kByteOrderMark[] = "\xef\xbb\xbf";

absl::Status AddLine(std::string line, Variables* variables) {
  // Of a file from another system.
  if (!line.empty() && line.back() == '\r') line.pop_back();
  const size_t begin = line.find_first_not_of(kWhiteSpace);
  if (begin == std::string::npos || line[begin] == '#') return absl::OkStatus();
  line.erase(0, begin);
  const std::string name = line.substr(0, line.find('='));
  if (name.find_first_of(kWhiteSpace) != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat("the name '", name, "' has white space in it"));
  }
  if (line.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat("'", name, "' has a zero byte in it"));
  }
  return AddVariable(line, variables);
}

}  // namespace

absl::Status AddVariable(const std::string& text, Variables* variables) {
  const size_t equals = text.find('=');
  if (text.empty() || equals == 0) {
    return absl::InvalidArgumentError(absl::StrCat("'", text, "' has no name"));
  }
  const std::string name = text.substr(0, equals);
  std::string value;
  if (equals != std::string::npos) {
    value = text.substr(equals + 1);
  } else if (const char* own = std::getenv(name.c_str())) {
    value = own;
  } else {
    return absl::OkStatus();
  }
  if (FindInvalidUtf8(name).has_value() || FindInvalidUtf8(value).has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the value of '", name, "' is not valid UTF-8, and cannot be sent"));
  }
  (*variables)[name] = value;
  return absl::OkStatus();
}

absl::Status ReadEnvFile(const std::string& path, Variables* variables) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (number == 1 && line.starts_with(kByteOrderMark)) line.erase(0, 3);
    const absl::Status added = AddLine(std::move(line), variables);
    if (!added.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", path, "', line ", number, ": ", added.message()));
    }
  }
  // It ends at the end of the file, or where it could not be read; a directory is opened, and read
  // in vain.
  if (file.is_open() && !file.bad() && errno == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("read '", path, "': ", errno == 0 ? "it failed" : ErrnoText(errno)));
}

}  // namespace proctor::cli
