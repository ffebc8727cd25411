#include "client/cli/output/json.h"

#include "core/base/printable_text.h"
#include "google/protobuf/util/json_util.h"

namespace proctor::cli {
namespace {

std::string Render(const google::protobuf::Message& message, bool indented) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  options.add_whitespace = indented;
  std::string json;
  // It fails for Any values of unknown types and times out of range only; the contract has no Any,
  // and the text up to there is still of use.
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok() && json.empty()) json = "{}";
  if (json.empty() || json.back() != '\n') json.push_back('\n');
  return PrintableJson(json);
}

}  // namespace

std::string JsonLine(const google::protobuf::Message& message) { return Render(message, false); }

std::string JsonText(const google::protobuf::Message& message) { return Render(message, true); }

void JsonArray::Add(std::string element) {
  if (!element.empty() && element.back() == '\n') element.pop_back();
  out_->Write((empty_ ? "[\n" : ",\n") + element);
  empty_ = false;
}

void JsonArray::End() { out_->Write(empty_ ? "[]\n" : "\n]\n"); }

}  // namespace proctor::cli
