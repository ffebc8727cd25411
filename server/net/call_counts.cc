#include "server/net/call_counts.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <grpc/grpc.h>
#include <grpc/support/alloc.h>

#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_replace.h"

namespace proctor::server {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

// More than a server has connections: a page of all.
constexpr intptr_t kMostSockets = 1 << 20;

// Empty where there is nothing of that number.
Struct Parse(char* json) {
  const std::unique_ptr<char, decltype(&::gpr_free)> owner(json, &::gpr_free);
  Struct parsed;
  if (json == nullptr || !google::protobuf::util::JsonStringToMessage(json, &parsed).ok()) {
    parsed.Clear();
  }
  return parsed;
}

const Value& Field(const Struct& object, const char* name) {
  static const Value none;
  const auto found = object.fields().find(name);
  return found == object.fields().end() ? none : found->second;
}

// 64-bit numbers are strings in JSON, and zeros are left out.
int64_t Number(const Struct& object, const char* name) {
  int64_t number = 0;
  (void)absl::SimpleAtoi(Field(object, name).string_value(), &number);
  return number;
}

uint64_t Count(const Struct& object, const char* name) {
  return static_cast<uint64_t>(Number(object, name));
}

// "10.0.0.7:5123" of "chttp2 ipv4:10.0.0.7:5123", which is a URI.
std::string PeerOf(const std::string& name) {
  const size_t scheme = name.find(" ipv");
  if (scheme == std::string::npos) return "";
  return absl::StrReplaceAll(name.substr(name.find(':', scheme) + 1), {{"%5B", "["}, {"%5D", "]"}});
}

}  // namespace

void CallCounts::List() {
  sockets_.clear();
  listed_ = true;
  const Struct servers = Parse(::grpc_channelz_get_servers(0));
  for (const Value& server : Field(servers, "server").list_value().values()) {
    const Struct& ref = Field(server.struct_value(), "ref").struct_value();
    const Struct sockets =
        Parse(::grpc_channelz_get_server_sockets(Number(ref, "serverId"), 0, kMostSockets));
    for (const Value& socket : Field(sockets, "socketRef").list_value().values()) {
      const Struct& entry = socket.struct_value();
      sockets_[PeerOf(Field(entry, "name").string_value())] = Number(entry, "socketId");
    }
  }
}

bool CallCounts::Read(const std::string& peer, ConnectionUse* use) {
  auto socket = sockets_.find(peer);
  if (socket == sockets_.end() && !listed_) {
    List();
    socket = sockets_.find(peer);
  }
  if (socket == sockets_.end()) return false;
  const Struct answer = Parse(::grpc_channelz_get_socket(socket->second));
  const Struct& found = Field(answer, "socket").struct_value();
  if (PeerOf(Field(Field(found, "ref").struct_value(), "name").string_value()) != peer) {
    sockets_.erase(socket);
    return false;
  }
  const Struct& data = Field(found, "data").struct_value();
  use->calls_begun = Count(data, "streamsStarted");
  use->calls_reset = Count(data, "streamsFailed");
  use->calls_ended = Count(data, "streamsSucceeded") + use->calls_reset;
  use->messages_received = Count(data, "messagesReceived");
  use->messages_sent = Count(data, "messagesSent");
  return true;
}

}  // namespace proctor::server
