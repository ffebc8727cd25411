#include "server/listen/listener_load.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace proctor::server {
namespace {

constexpr absl::Duration kPause = absl::Seconds(10);

}  // namespace

const char* RefusalName(Refusal refusal) {
  switch (refusal) {
    case Refusal::kConnections:
      return "MAX_CONNECTIONS";
    case Refusal::kConnectionsOfPeer:
      return "MAX_CONNECTIONS_PER_PEER";
    case Refusal::kDescriptors:
      return "FEW_DESCRIPTORS";
    case Refusal::kNoToken:
      return "NO_TOKEN";
    case Refusal::kBytesWithoutUse:
      return "BYTES_WITHOUT_USE";
    case Refusal::kCallsWithoutUse:
      return "CALLS_WITHOUT_USE";
  }
  return "";
}

void ListenerLoad::Refuse(Refusal refusal, const std::string& peer, absl::Duration now) {
  refused_[static_cast<int>(refusal)].fetch_add(1, std::memory_order_relaxed);
  ++untold_;
  if (now < next_line_) return;
  next_line_ = now + kPause;
  spdlog::warn("connection refused listener={} reason={} peer={} count={}", name_,
               RefusalName(refusal), peer, std::exchange(untold_, 0));
}

std::map<std::string, uint64_t> ListenerLoad::refused() const {
  std::map<std::string, uint64_t> counts;
  for (int i = 0; i < kRefusals; ++i) {
    counts[RefusalName(static_cast<Refusal>(i))] = refused_[i].load(std::memory_order_relaxed);
  }
  return counts;
}

}  // namespace proctor::server
