#include "proctor/error.h"

#include <string.h>

#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace proctor {
namespace {

constexpr char kPayloadUrl[] = "proctor.dev/error";

// The payload: the reason, then keys and values in turn, each ended by a NUL.
// No reason and no variable contains one: replaced here, where they come in.
void AppendField(std::string& payload, std::string_view field) {
  for (char c : field) payload.push_back(c == '\0' ? '?' : c);
  payload.push_back('\0');
}

std::vector<std::string> PayloadFields(const absl::Status& status) {
  auto payload = status.GetPayload(kPayloadUrl);
  if (!payload.has_value()) return {};
  std::vector<std::string> fields = absl::StrSplit(std::string(*payload), '\0');
  fields.pop_back();  // after the last NUL
  return fields;
}

}  // namespace

absl::Status MakeError(absl::StatusCode code, Reason reason, std::string_view message,
                       const ErrorMetadata& metadata) {
  return MakeForeignError(code, ReasonName(reason), message, metadata);
}

absl::Status MakeForeignError(absl::StatusCode code, std::string_view reason,
                              std::string_view message, const ErrorMetadata& metadata) {
  absl::Status status(code, absl::string_view(message.data(), message.size()));
  std::string payload;
  AppendField(payload, reason);
  for (const auto& [key, value] : metadata) {
    AppendField(payload, key);
    AppendField(payload, value);
  }
  status.SetPayload(kPayloadUrl, absl::Cord(payload));
  return status;
}

absl::Status InvalidField(std::string_view field, std::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, Reason::kInvalidField,
                   absl::StrCat(std::string(field), ": ", std::string(message)),
                   {{"field", std::string(field)}});
}

std::string FieldOf(const absl::Status& error) {
  const ErrorMetadata variables = ErrorVariables(error);
  const auto field = variables.find("field");
  return field != variables.end() ? field->second : "";
}

absl::Status WithField(const absl::Status& error, std::string_view field) {
  const std::string old = FieldOf(error);
  if (old.empty()) return error;
  std::string message(error.message());
  if (absl::StartsWith(message, absl::StrCat(old, ":"))) message.replace(0, old.size(), field);
  ErrorMetadata variables = ErrorVariables(error);
  variables["field"] = field;
  return MakeForeignError(error.code(), ErrorReason(error), message, variables);
}

absl::Status InMember(std::string_view member, const absl::Status& error) {
  const std::string part = FieldOf(error);
  const bool element = absl::StartsWith(part, "[");
  return WithField(error, absl::StrCat(std::string(member), element ? "" : ".", part));
}

absl::Status ErrnoError(absl::StatusCode code, Reason reason, std::string_view operation,
                        std::string_view object, int error, ErrorMetadata metadata) {
  std::string message(operation);
  if (!object.empty()) absl::StrAppend(&message, " '", std::string(object), "'");
  absl::StrAppend(&message, ": ", ErrnoText(error));
  metadata.emplace("errno", absl::StrCat(error));
  metadata.emplace("errno_name", ErrnoName(error));
  return MakeError(code, reason, message, metadata);
}

absl::Status SystemError(std::string_view operation, int error) {
  return ErrnoError(absl::StatusCode::kInternal, Reason::kSystemCallFailed, operation, "", error);
}

Reason ReasonOf(const absl::Status& status) { return ReasonOfName(ErrorReason(status)); }

std::string ErrorReason(const absl::Status& status) {
  auto fields = PayloadFields(status);
  return fields.empty() ? "" : fields[0];
}

ErrorMetadata ErrorVariables(const absl::Status& status) {
  ErrorMetadata metadata;
  auto fields = PayloadFields(status);
  for (size_t i = 1; i + 1 < fields.size(); i += 2) metadata[fields[i]] = fields[i + 1];
  return metadata;
}

std::string ErrnoName(int error) {
  const char* name = strerrorname_np(error);
  return name != nullptr ? name : absl::StrCat(error);
}

std::string ErrnoText(int error) {
  const char* text = strerrordesc_np(error);
  return text != nullptr ? text : absl::StrCat("error ", error);
}

}  // namespace proctor
