#pragma once

#include <string>
#include <string_view>

namespace google::protobuf {
class Message;
}

namespace proctor::server::http {

// JSON on one line. Pure functions, safe from any thread.

// A message in Protobuf's JSON with the names of the contract and with values that are
// zero: what `proctor --json` prints. Walks the message by reflection, because Protobuf's converter
// builds a tree for values that are zero, which costs 0.2 ms a process.
std::string JsonOf(const google::protobuf::Message& message);

// A string with its quotes. `text` is UTF-8.
std::string JsonString(std::string_view text);

}  // namespace proctor::server::http
