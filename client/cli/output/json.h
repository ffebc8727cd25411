#pragma once

#include <string>

#include "client/cli/output/out_file.h"
#include "google/protobuf/message.h"

namespace proctor::cli {

// Messages as JSON, for programs that read what the command prints.
//
// Pure functions; thread-safe.

// One line with its newline: field names as in the contract, default values included.
std::string JsonLine(const google::protobuf::Message& message);

// The same, indented, for people.
std::string JsonText(const google::protobuf::Message& message);

// Texts of JsonText as the elements of one array.
//
// Not thread-safe. Order of calls: Add for each, End.
class JsonArray {
 public:
  // `*out` outlives it.
  explicit JsonArray(OutFile* out) : out_(out) {}

  void Add(std::string element);
  void End();

 private:
  OutFile* const out_;
  bool empty_ = true;
};

}  // namespace proctor::cli
