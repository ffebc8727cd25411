#include "core/process/process_tree.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/process/cgroup_root.h"
#include "core/process/walk_tree.h"

namespace proctor {
namespace {

constexpr std::string_view kAuto = "auto";
constexpr std::string_view kNone = "none";

}  // namespace

ProcessTrees::ProcessTrees(absl::Status reason) : reason_(std::move(reason)) {}

ProcessTrees::ProcessTrees(std::shared_ptr<CgroupRoot> root) : root_(std::move(root)) {}

absl::StatusOr<std::shared_ptr<ProcessTrees>> ProcessTrees::Open(std::string_view path) {
  if (path == kNone) {
    return std::make_shared<ProcessTrees>(absl::FailedPreconditionError("turned off"));
  }
  auto root = CgroupRoot::Open(path == kAuto ? "" : std::string(path));
  if (root.ok()) return std::make_shared<ProcessTrees>(*std::move(root));
  if (path != kAuto) return root.status();
  return std::make_shared<ProcessTrees>(root.status());
}

absl::StatusOr<std::unique_ptr<ProcessTree>> ProcessTrees::Make(const std::string& process_id,
                                                                const CgroupLimits& limits) {
  if (root_ != nullptr) return root_->MakeTree(process_id, limits);
  if (limits.any()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "LIMIT_UNAVAILABLE",
                     absl::StrCat("spec.cgroup: the server has no control group: ",
                                  std::string(reason_.message())),
                     {{"limit", "cgroup"}, {"field", "spec.cgroup"}});
  }
  return std::make_unique<WalkTree>();
}

absl::StatusOr<std::string> ProcessTrees::cgroup() const {
  if (root_ == nullptr) return reason_;
  return root_->path();
}

std::vector<std::string> ProcessTrees::controllers() const {
  return root_ == nullptr ? std::vector<std::string>() : root_->controllers();
}

}  // namespace proctor
