#include "server/process/process_change.h"

#include "proctor/error.h"

namespace proctor::server {

absl::StatusOr<ProcessChange> ChangeFromProto(const v1::UpdateProcessRequest& request) {
  ProcessChange change;
  change.labels.insert(request.labels().begin(), request.labels().end());
  const v1::OutputRetention& output = request.output();
  if (output.retain_bytes() != 0) change.retain_bytes = output.retain_bytes();
  switch (output.overflow()) {
    case v1::OVERFLOW_POLICY_UNSPECIFIED:
      return change;
    case v1::OVERFLOW_POLICY_BLOCK_CHILD:
      change.overflow = OverflowPolicy::kBlockChild;
      return change;
    case v1::OVERFLOW_POLICY_DROP_OLDEST:
      change.overflow = OverflowPolicy::kDropOldest;
      return change;
    default:
      return InvalidField("output.overflow", "unknown policy");
  }
}

}  // namespace proctor::server
