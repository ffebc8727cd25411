#pragma once

#include <string>

#include "absl/status/status.h"

namespace google::protobuf {
class Message;
}

namespace proctor::server::http {

// Reads a body that is the JSON of a message of the contract, with the names of the contract or in
// camel case. A body of nothing is the message without anything set.
//
// Errors: InvalidArgument (MALFORMED_JSON) with what is wrong and where; a field that the message
// has not is wrong, too.
//
// Thread-safety: a pure function.
absl::Status ReadJson(const std::string& body, google::protobuf::Message* message);

}  // namespace proctor::server::http
