#include "core/tree/process_tree.h"

#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/tree/cgroup_root.h"
#include "core/tree/group_tree.h"
#include "core/tree/proc_table.h"
#include "core/tree/spare_descriptor.h"
#include "core/tree/tree_walker.h"
#include "core/tree/walk_tree.h"
#include "proctor/error.h"

namespace proctor {
namespace {

constexpr std::string_view kAuto = "auto";
constexpr std::string_view kNone = "none";

}  // namespace

bool TreeSignal::IsFor(pid_t member) const {
  return beside == 0 || (member != beside && ::getpgid(member) == beside);
}

ProcessTrees::ProcessTrees(absl::Status reason) : reason_(std::move(reason)), proc_(CheckProc()) {
  (void)SpareDescriptor::Get();  // while there are descriptors
  if (proc_.ok()) PrepareWalks();
}

ProcessTrees::ProcessTrees(std::shared_ptr<CgroupRoot> root) : root_(std::move(root)) {
  (void)SpareDescriptor::Get();
}

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
    return MakeError(
        absl::StatusCode::kFailedPrecondition, Reason::kLimitUnavailable,
        absl::StrCat("cgroup: the server has no control group: ", std::string(reason_.message())),
        {{"limit", "cgroup"}, {"field", "cgroup"}});
  }
  if (!proc_.ok()) return std::make_unique<GroupTree>();
  return std::make_unique<WalkTree>();
}

std::optional<Cgroup> ProcessTrees::GroupOf(const std::string& process_id) const {
  if (root_ == nullptr) return std::nullopt;
  return root_->GroupOf(process_id);
}

std::unique_ptr<ProcessTree> ProcessTrees::FindLeft(const std::string& process_id) {
  return root_ != nullptr ? root_->FindLeft(process_id) : nullptr;
}

absl::StatusOr<size_t> ProcessTrees::CountLeft(const std::string& process_id) const {
  if (root_ == nullptr) return 0;
  return root_->CountLeft(process_id);
}

TreeMechanism ProcessTrees::mechanism() const {
  if (root_ != nullptr) return TreeMechanism::kCgroup;
  return proc_.ok() ? TreeMechanism::kWalk : TreeMechanism::kGroup;
}

std::string ProcessTrees::caveat() const {
  switch (mechanism()) {
    case TreeMechanism::kCgroup:
      return ::geteuid() == 0 ? "processes of root may move to other groups"
                              : "processes of the server's own user may move to other groups";
    case TreeMechanism::kWalk:
      return "who lowers the limit of locks and leaves parent and session is not found, nor "
             "what a server that is killed leaves by the next one";
    case TreeMechanism::kGroup:
      return absl::StrCat("nobody knows who is left after a process, or a server: ",
                          std::string(proc_.message()));
  }
  return "";
}

absl::StatusOr<std::string> ProcessTrees::cgroup() const {
  if (root_ == nullptr) return reason_;
  return root_->path();
}

std::vector<std::string> ProcessTrees::controllers() const {
  return root_ == nullptr ? std::vector<std::string>() : root_->controllers();
}

}  // namespace proctor
