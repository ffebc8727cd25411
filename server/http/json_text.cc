#include "server/http/json_text.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/util/time_util.h>

#include <cmath>
#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/printable_text.h"

namespace proctor::server::http {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::util::TimeUtil;

// Whether a byte stands in a string as it is. '<' and '>' do not, so that JSON is harmless within
// HTML.
bool IsPlain(unsigned char c) {
  return c >= 0x20 && c != '"' && c != '\\' && c != '<' && c != '>' && c < 0x7f;
}

// The first character of `text`, which is not ASCII; returns its length.
size_t AppendCharacter(std::string_view text, std::string* json) {
  const Character character = FirstCharacter(text);
  if (character.length == 0) {
    AppendJsonEscape(0xFFFD, json);  // the replacement character
    return 1;
  }
  if (IsPrintable(character.code)) {
    json->append(text.substr(0, character.length));
  } else {
    AppendJsonEscape(character.code, json);
  }
  return character.length;
}

void AppendString(std::string_view text, std::string* json) {
  json->push_back('"');
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin;
    while (end < text.size() && IsPlain(static_cast<unsigned char>(text[end]))) ++end;
    json->append(text.substr(begin, end - begin));
    begin = end;
    if (begin == text.size()) break;
    const auto c = static_cast<unsigned char>(text[begin]);
    if (c >= 0x80) {
      begin += AppendCharacter(text.substr(begin), json);
      continue;
    }
    ++begin;
    if (c == '"' || c == '\\') {
      json->push_back('\\');
      json->push_back(static_cast<char>(c));
    } else {
      AppendJsonEscape(c, json);
    }
  }
  json->push_back('"');
}

// The shortest of two that is the same number when it is read.
void AppendDouble(double value, std::string* json) {
  if (std::isnan(value)) return AppendString("NaN", json);
  if (std::isinf(value)) return AppendString(value > 0 ? "Infinity" : "-Infinity", json);
  std::string text = absl::StrFormat("%.15g", value);
  if (std::strtod(text.c_str(), nullptr) != value) text = absl::StrFormat("%.17g", value);
  json->append(text);
}

void AppendEnum(const FieldDescriptor* field, int value, std::string* json) {
  const auto* known = field->enum_type()->FindValueByNumber(value);
  if (known == nullptr) return (void)absl::StrAppend(json, value);
  AppendString(known->name(), json);
}

void AppendMessage(const Message& message, std::string* json);

void AppendText(const FieldDescriptor* field, const std::string& text, std::string* json) {
  const bool is_text = field->type() == FieldDescriptor::TYPE_STRING;
  is_text ? AppendString(text, json) : AppendString(absl::Base64Escape(text), json);
}

// Numbers of 64 bits are strings: JavaScript's have 53.
void AppendValue(const Message& message, const FieldDescriptor* field, std::string* json) {
  const Reflection* const reflection = message.GetReflection();
  std::string buffer;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrAppend(json, reflection->GetInt32(message, field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrAppend(json, reflection->GetUInt32(message, field));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrAppend(json, "\"", reflection->GetInt64(message, field), "\"");
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrAppend(json, "\"", reflection->GetUInt64(message, field), "\"");
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return AppendDouble(reflection->GetDouble(message, field), json);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return AppendDouble(reflection->GetFloat(message, field), json);
    case FieldDescriptor::CPPTYPE_BOOL:
      return absl::StrAppend(json, reflection->GetBool(message, field) ? "true" : "false");
    case FieldDescriptor::CPPTYPE_ENUM:
      return AppendEnum(field, reflection->GetEnumValue(message, field), json);
    case FieldDescriptor::CPPTYPE_STRING:
      return AppendText(field, reflection->GetStringReference(message, field, &buffer), json);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return AppendMessage(reflection->GetMessage(message, field), json);
  }
}

void AppendElement(const Message& message, const FieldDescriptor* field, int index,
                   std::string* json) {
  const Reflection* const reflection = message.GetReflection();
  std::string buffer;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrAppend(json, reflection->GetRepeatedInt32(message, field, index));
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrAppend(json, reflection->GetRepeatedUInt32(message, field, index));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrAppend(json, "\"", reflection->GetRepeatedInt64(message, field, index), "\"");
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrAppend(json, "\"", reflection->GetRepeatedUInt64(message, field, index),
                             "\"");
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return AppendDouble(reflection->GetRepeatedDouble(message, field, index), json);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return AppendDouble(reflection->GetRepeatedFloat(message, field, index), json);
    case FieldDescriptor::CPPTYPE_BOOL:
      return absl::StrAppend(json,
                             reflection->GetRepeatedBool(message, field, index) ? "true" : "false");
    case FieldDescriptor::CPPTYPE_ENUM:
      return AppendEnum(field, reflection->GetRepeatedEnumValue(message, field, index), json);
    case FieldDescriptor::CPPTYPE_STRING:
      return AppendText(
          field, reflection->GetRepeatedStringReference(message, field, index, &buffer), json);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return AppendMessage(reflection->GetRepeatedMessage(message, field, index), json);
  }
}

// A key is a string for every type: one that is quoted already is not quoted again.
void AppendKey(const Message& entry, const FieldDescriptor* key, std::string* json) {
  std::string text;
  AppendValue(entry, key, &text);
  if (text[0] != '"') text = absl::StrCat("\"", text, "\"");
  json->append(text);
}

void AppendRepeated(const Message& message, const FieldDescriptor* field, std::string* json) {
  const Reflection* const reflection = message.GetReflection();
  const int size = reflection->FieldSize(message, field);
  json->push_back(field->is_map() ? '{' : '[');
  for (int i = 0; i < size; ++i) {
    if (i > 0) json->push_back(',');
    if (!field->is_map()) {
      AppendElement(message, field, i, json);
      continue;
    }
    const Message& entry = reflection->GetRepeatedMessage(message, field, i);
    AppendKey(entry, field->message_type()->map_key(), json);
    json->push_back(':');
    AppendValue(entry, field->message_type()->map_value(), json);
  }
  json->push_back(field->is_map() ? '}' : ']');
}

void AppendFields(const Message& message, std::string* json) {
  const Descriptor* const descriptor = message.GetDescriptor();
  const Reflection* const reflection = message.GetReflection();
  json->push_back('{');
  bool first = true;
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor* const field = descriptor->field(i);
    // Fields that may be absent are left out then; numbers and lists are always there.
    if (field->has_presence() && !reflection->HasField(message, field)) continue;
    absl::StrAppend(json, first ? "\"" : ",\"", field->name(), "\":");
    first = false;
    field->is_repeated() ? AppendRepeated(message, field, json) : AppendValue(message, field, json);
  }
  json->push_back('}');
}

void AppendMessage(const Message& message, std::string* json) {
  switch (message.GetDescriptor()->well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_TIMESTAMP:
      return AppendString(
          TimeUtil::ToString(static_cast<const google::protobuf::Timestamp&>(message)), json);
    case Descriptor::WELLKNOWNTYPE_DURATION:
      return AppendString(
          TimeUtil::ToString(static_cast<const google::protobuf::Duration&>(message)), json);
    default:
      return AppendFields(message, json);
  }
}

}  // namespace

std::string JsonOf(const google::protobuf::Message& message) {
  std::string json;
  AppendMessage(message, &json);
  return json;
}

std::string JsonString(std::string_view text) {
  std::string json;
  AppendString(text, &json);
  return json;
}

}  // namespace proctor::server::http
