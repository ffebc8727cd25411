#include "server/http/query.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "proctor/error.h"

namespace proctor::server::http {
namespace {

constexpr std::string_view kLabelPrefix = "label.";

}  // namespace

bool ParseNumber(std::string_view text, uint64_t* number) {
  // SimpleAtoi takes blanks and a sign, too.
  return text.find_first_not_of("0123456789") == std::string_view::npos &&
         absl::SimpleAtoi(absl::string_view(text.data(), text.size()), number);
}

bool Query::Has(std::string_view name) const {
  for (const Parameter& parameter : parameters_) {
    if (parameter.name == name) return true;
  }
  return false;
}

std::optional<std::string> Query::Take(std::string_view name) {
  std::optional<std::string> value;
  for (Parameter& parameter : parameters_) {
    if (parameter.name != name) continue;
    if (value.has_value()) Refuse(name, "is given twice");
    parameter.taken = true;
    value = parameter.value;
  }
  return value;
}

std::string Query::Text(std::string_view name) { return Take(name).value_or(""); }

uint64_t Query::Number(std::string_view name, uint64_t most) {
  const auto text = Take(name);
  if (!text.has_value()) return 0;
  uint64_t number = 0;
  if (!ParseNumber(*text, &number) || number > most) {
    Refuse(name, absl::StrCat("is a number from 0 to ", most));
    return 0;
  }
  return number;
}

bool Query::Flag(std::string_view name, bool otherwise) {
  const auto text = Take(name);
  if (!text.has_value()) return otherwise;
  if (*text != "true" && *text != "false") Refuse(name, "is true or false");
  return *text == "true";
}

std::vector<std::string> Query::Texts(std::string_view name) {
  std::vector<std::string> values;
  for (Parameter& parameter : parameters_) {
    if (parameter.name != name) continue;
    parameter.taken = true;
    values.push_back(parameter.value);
  }
  return values;
}

std::map<std::string, std::string> Query::Labels() {
  std::map<std::string, std::string> labels;
  for (Parameter& parameter : parameters_) {
    const std::string_view name = parameter.name;
    if (name.substr(0, kLabelPrefix.size()) != kLabelPrefix) continue;
    parameter.taken = true;
    const std::string key(name.substr(kLabelPrefix.size()));
    if (!labels.emplace(key, parameter.value).second) Refuse(name, "is given twice");
  }
  return labels;
}

void Query::Refuse(std::string_view name, std::string_view message) {
  if (error_.ok()) error_ = InvalidField(name, message);
}

absl::Status Query::Finish() const {
  if (!error_.ok()) return error_;
  for (const Parameter& parameter : parameters_) {
    if (!parameter.taken) return InvalidField(parameter.name, "is not a parameter here");
  }
  return absl::OkStatus();
}

}  // namespace proctor::server::http
