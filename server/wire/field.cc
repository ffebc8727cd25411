#include "server/wire/field.h"

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "proctor/error.h"
#include "proctor/v1/process.pb.h"

namespace proctor::wire {
namespace {

// The members that the contract names otherwise.
constexpr struct {
  std::string_view member;
  std::string_view field;
} kRenamed[] = {{"terminal", "pty"}, {"retain_bytes", "output.retain_bytes"}};

// "pty.size.rows" of "terminal.size.rows".
std::string FieldOfMember(const std::string& member) {
  const std::string first = member.substr(0, member.find_first_of(".["));
  for (const auto& renamed : kRenamed) {
    if (first != renamed.member) continue;
    return absl::StrCat(std::string(renamed.field), member.substr(first.size()));
  }
  return member;
}

}  // namespace

absl::Status InSpec(const absl::Status& error) {
  const std::string field = FieldOfMember(FieldOf(error));
  const std::string first = field.substr(0, field.find_first_of(".["));
  if (v1::ProcessSpec::descriptor()->FindFieldByName(first) == nullptr) return error;
  return InMember("spec", WithField(error, field));
}

absl::Status InUpdate(const absl::Status& error) {
  return WithField(error, FieldOfMember(FieldOf(error)));
}

}  // namespace proctor::wire
