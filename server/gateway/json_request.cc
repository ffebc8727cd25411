#include "server/gateway/json_request.h"

#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>

#include "absl/strings/str_cat.h"
#include "proctor/error.h"

namespace proctor::server::http {

absl::Status ReadJson(const std::string& body, google::protobuf::Message* message) {
  if (body.empty()) return absl::OkStatus();
  const auto read = google::protobuf::util::JsonStringToMessage(body, message);
  if (read.ok()) return absl::OkStatus();
  const auto why = read.message();
  return MakeError(absl::StatusCode::kInvalidArgument, Reason::kMalformedJson,
                   absl::StrCat("the body is no ", message->GetTypeName(),
                                " in JSON: ", absl::string_view(why.data(), why.size())));
}

}  // namespace proctor::server::http
