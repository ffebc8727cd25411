#include "server/storage/stored_process.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <cstdint>
#include <memory>

#include "absl/strings/str_cat.h"
#include "server/storage/stored_command.h"
#include "server/storage/stored_end.h"
#include "server/storage/stored_value.h"
#include "server/wire/command.h"
#include "server/wire/process.h"

namespace proctor::storage {
namespace {

TreeMechanism MechanismOf(v1::TreeMechanism stored) {
  switch (stored) {
    case v1::TREE_MECHANISM_CGROUP:
      return TreeMechanism::kCgroup;
    case v1::TREE_MECHANISM_GROUP:
      return TreeMechanism::kGroup;
    default:
      return TreeMechanism::kWalk;
  }
}

}  // namespace

ProcessState StateOf(const v1::Process& stored) {
  switch (stored.state()) {
    case v1::PROCESS_STATE_RUNNING:
      return ProcessState::kRunning;
    case v1::PROCESS_STATE_EXITED:
      return ProcessState::kExited;
    case v1::PROCESS_STATE_DRAINED:
      return ProcessState::kDrained;
    default:  // of a later version: its other fields say most
      return stored.has_drained()       ? ProcessState::kDrained
             : stored.has_exit_status() ? ProcessState::kExited
                                        : ProcessState::kRunning;
  }
}

std::string EncodeProcess(const ProcessInfo& info) {
  return wire::ToWholeProto(info).SerializeAsString();
}

absl::StatusOr<ProcessInfo> DecodeProcess(std::string_view body) {
  v1::Process proto;
  if (!ParseRow(body, &proto) || proto.process_id().empty()) return Unreadable("a process");
  ProcessInfo info;
  info.id = proto.process_id();
  info.session_id = proto.session_id();
  info.command = std::make_shared<const Command>(CommandOf(proto.spec()));
  info.pid = proto.pid();
  info.state = StateOf(proto);
  info.started_at = TimeOf(proto.started_at());
  if (proto.has_exit_status()) info.exit_status = ExitStatusOf(proto.exit_status());
  if (proto.has_drained()) info.drained = DrainedOf(proto.drained());
  info.watcher = proto.watcher();
  info.output = TotalsOf(proto);
  info.stdin_bytes = proto.stdin_bytes();
  info.stdin_open = proto.stdin_open();
  info.tree_mechanism = MechanismOf(proto.tree_mechanism());
  info.tree_empty = proto.tree_empty();
  return info;
}

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
