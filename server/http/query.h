#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/return_if_error.h"

namespace proctor::server::http {

// Reads a number of digits alone; false for anything else, and beyond 64 bits.
bool ParseNumber(std::string_view text, uint64_t* number);

// The parameters of a request. The handler takes them out one by one; Finish returns the first
// error, so that a handler reads like a list:
//
//   request.set_session_id(query.Text("session_id"));
//   request.set_page_size(query.Number("page_size"));
//   RETURN_IF_ERROR(query.Finish());
//
// Thread-safety: none. Lifetime: a value.
class Query {
 public:
  struct Parameter {
    std::string name;
    std::string value;
    bool taken = false;
  };

  Query() = default;
  explicit Query(std::vector<Parameter> parameters) : parameters_(std::move(parameters)) {}

  bool Has(std::string_view name) const;

  // The value of a parameter that is given once at most; "", 0 or `otherwise` without it.
  std::string Text(std::string_view name);
  uint64_t Number(std::string_view name, uint64_t most = UINT64_MAX);
  bool Flag(std::string_view name, bool otherwise);

  // All values of a parameter that may be repeated.
  std::vector<std::string> Texts(std::string_view name);

  // All "label.KEY=VALUE", by key.
  std::map<std::string, std::string> Labels();

  // Remembers an error of a parameter's value.
  void Refuse(std::string_view name, std::string_view message);

  // Errors: InvalidArgument (INVALID_FIELD) for the first thing that was wrong, or else
  // for a parameter that was not taken.
  absl::Status Finish() const;

 private:
  std::optional<std::string> Take(std::string_view name);

  std::vector<Parameter> parameters_;
  absl::Status error_;
};

}  // namespace proctor::server::http
