#include "server/storage/stored_request.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "proctor/v1/process.pb.h"
#include "server/wire/command.h"

namespace proctor::storage {

std::string DigestOf(const Command& command) {
  v1::ProcessSpec spec = wire::ToProto(command);
  for (const auto& [name, value] : command.env) (*spec.mutable_env())[name] = value;
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    spec.SerializeToCodedStream(&coded);
  }
  uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return absl::StrCat(absl::Hex(hash, absl::kZeroPad16));
}

}  // namespace proctor::storage
