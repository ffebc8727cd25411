#include "core/tree/cgroup_root.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/random_id.h"
#include "core/base/return_if_error.h"
#include "core/spawn/clone_spawn.h"
#include "core/tree/cgroup_tree.h"
#include "proctor/error.h"

namespace proctor {
namespace {

constexpr char kServerPrefix[] = "proctor-";
constexpr const char* kControllers[] = {"memory", "pids", "cpu", "io"};
constexpr double kCpuPeriod = 100000;  // µs, the kernel's default
constexpr int kOpenAttempts = 8;
constexpr size_t kLeftoversATime = 4;

absl::Status Unavailable(const std::string& why) {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kCgroupUnavailable, why);
}

bool HasWord(absl::string_view text, absl::string_view wanted) {
  for (absl::string_view word : absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty())) {
    if (word == wanted) return true;
  }
  return false;
}

// Takes the lock of a server's group: LOCK_EX for its own group, LOCK_SH to find out whether
// another server is dead, which several servers may do at once. Returns nothing if the lock is
// taken, or the group is gone.
UniqueFd Lock(const Cgroup& group, int kind) {
  auto directory = group.Open();
  if (!directory.ok() || ::flock(directory->get(), kind | LOCK_NB) != 0) return UniqueFd();
  return *std::move(directory);
}

// Removes the groups of ended servers, which no process has locked. Returns those with processes in
// them.
std::vector<Cgroup> RemoveDeadServers(const Cgroup& directory) {
  std::vector<Cgroup> populated;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory.path(), error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (!absl::StartsWith(name, kServerPrefix)) continue;
    const Cgroup dead = directory.Child(name);
    const UniqueFd lock = Lock(dead, LOCK_SH);
    if (lock && !dead.Remove()) populated.push_back(dead);
  }
  return populated;
}

}  // namespace

absl::StatusOr<std::string> FindOwnCgroup() {
  std::string own;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (absl::StartsWith(line, "0::")) own = line.substr(3);
  }
  if (own.empty()) return Unavailable("this kernel has no cgroup v2");
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() < 5 || dash == words.end() || dash + 1 == words.end()) continue;
    if (*(dash + 1) != "cgroup2") continue;
    const std::string& root = words[3];
    const std::string& mount_point = words[4];
    if (absl::StartsWith(own, "/..")) continue;  // outside of our cgroup namespace
    if (root == "/") return own == "/" ? mount_point : mount_point + own;
    if (own == root) return mount_point;
    if (absl::StartsWith(own, root + "/")) return mount_point + own.substr(root.size());
  }
  return Unavailable("no cgroup v2 is mounted here");
}

absl::StatusOr<std::shared_ptr<CgroupRoot>> CgroupRoot::Open(const std::string& directory) {
  std::string path = directory;
  if (path.empty()) {
    ASSIGN_OR_RETURN(auto own, FindOwnCgroup());
    path = own;
  }
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const Cgroup parent(path);
  if (!parent.Has("cgroup.procs") || !parent.Has("cgroup.controllers")) {
    return Unavailable(absl::StrCat("'", path, "' is not a directory of cgroup v2"));
  }
  std::vector<Cgroup> dead = RemoveDeadServers(parent);
  std::shared_ptr<CgroupRoot> root;
  // A server that starts beside us may take a group without a lock yet for a dead one's.
  for (int attempt = 0; attempt < kOpenAttempts && (root == nullptr || !root->lock_); ++attempt) {
    const Cgroup own = parent.Child(kServerPrefix + NewRandomId());
    RETURN_IF_ERROR(own.Make());
    root.reset(new CgroupRoot(parent, own));
    root->lock_ = Lock(own, LOCK_EX);
  }
  if (!root->lock_) return Unavailable(absl::StrCat("'", root->own_.path(), "' cannot be locked"));
  root->dead_ = std::move(dead);
  RETURN_IF_ERROR(root->Prepare());
  return root;
}

CgroupRoot::~CgroupRoot() {
  {
    absl::MutexLock lock(&mutex_);
    for (const Cgroup& group : leftovers_) (void)group.Remove();  // else the next server does
  }
  // Where we are in it, it stays for the next server to remove.
  (void)own_.Remove();
}

// Finds out here what would else fail at each spawn.
absl::Status CgroupRoot::Prepare() {
  const Cgroup probe = own_.Child("probe");
  RETURN_IF_ERROR(probe.Make());
  auto directory = probe.Open();
  absl::Status spawned = directory.ok() ? ProbeClone3(directory->get()) : directory.status();
  // Without clone3 a child moves itself, and may from the start.
  if (absl::IsUnimplemented(spawned)) spawned = absl::OkStatus();
  (void)probe.Remove();
  if (!spawned.ok()) return Unavailable(std::string(spawned.message()));
  EnableControllers();
  return absl::OkStatus();
}

void CgroupRoot::EnableControllers() {
  const std::string there = directory_.Read("cgroup.controllers").value_or("");
  for (const std::string controller : kControllers) {
    if (HasWord(there, controller)) {
      controllers_[controller] = Enable(controller);
    } else {
      controllers_[controller] =
          Unavailable(absl::StrCat("'", directory_.path(), "' has no controller '", controller,
                                   "' (it may be bound to cgroup v1, or not delegated)"));
    }
  }
}

// Hands a controller down to the groups of processes. A group other than the topmost hands
// down none while processes are in it, so where it is ours we go below.
absl::Status CgroupRoot::Enable(const std::string& controller) {
  const std::string word = "+" + controller;
  absl::Status enabled;
  if (!HasWord(directory_.Read("cgroup.subtree_control").value_or(""), controller)) {
    enabled = directory_.Write("cgroup.subtree_control", word);
    if (!enabled.ok() && !moved_ && directory_.Members().contains(::getpid())) {
      const Cgroup server = own_.Child("server");
      moved_ = server.Make().ok() && server.Write("cgroup.procs", "0").ok();
      if (moved_) enabled = directory_.Write("cgroup.subtree_control", word);
    }
  }
  if (!enabled.ok()) {
    return Unavailable(absl::StrCat(std::string(enabled.message()),
                                    "; other processes may be in this control group: run the "
                                    "server in one of its own that is delegated to it"));
  }
  return own_.Write("cgroup.subtree_control", word);
}

std::vector<std::string> CgroupRoot::controllers() const {
  std::vector<std::string> names;
  for (const std::string name : kControllers) {
    if (controllers_.at(name).ok()) names.push_back(name);
  }
  return names;
}

absl::Status CgroupRoot::Limit(const Cgroup& group, std::string_view controller,
                               std::string_view limit, std::string_view file,
                               const std::string& value) const {
  absl::Status status = controllers_.at(std::string(controller));
  if (status.ok()) status = group.Write(file, value);
  // What the server is short of for the moment is no lack of the limit.
  const std::string error = ErrorVariables(status)["errno_name"];
  if (status.ok() || error == "EMFILE" || error == "ENFILE" || error == "ENOMEM") return status;
  const std::string field = absl::StrCat("cgroup.", std::string(limit));
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kLimitUnavailable,
                   absl::StrCat(field, ": ", std::string(status.message())),
                   {{"limit", std::string(limit)}, {"field", field}});
}

absl::Status CgroupRoot::ApplyLimits(const Cgroup& group, const CgroupLimits& limits) const {
  absl::Status status;
  if (limits.memory_bytes != 0) {
    const std::string bytes = absl::StrCat(limits.memory_bytes);
    status.Update(Limit(group, "memory", "memory_bytes", "memory.max", bytes));
    // All or nothing: what is left of a tree that lost some process is of no use.
    status.Update(Limit(group, "memory", "memory_bytes", "memory.oom.group", "1"));
  }
  if (limits.swap_bytes.has_value()) {
    const std::string bytes = absl::StrCat(*limits.swap_bytes);
    status.Update(Limit(group, "memory", "swap_bytes", "memory.swap.max", bytes));
  }
  if (limits.cpus != 0) {
    const auto quota = std::max<int64_t>(std::llround(limits.cpus * kCpuPeriod), 1000);
    const std::string value = absl::StrCat(quota, " ", static_cast<int64_t>(kCpuPeriod));
    status.Update(Limit(group, "cpu", "cpus", "cpu.max", value));
  }
  if (limits.pids != 0) {
    status.Update(Limit(group, "pids", "pids", "pids.max", absl::StrCat(limits.pids)));
  }
  if (limits.io_weight != 0) {
    const char* file = group.Has("io.weight") ? "io.weight" : "io.bfq.weight";
    status.Update(
        Limit(group, "io", "io_weight", file, absl::StrCat("default ", limits.io_weight)));
  }
  return status;
}

absl::StatusOr<std::unique_ptr<ProcessTree>> CgroupRoot::MakeTree(const std::string& process_id,
                                                                  const CgroupLimits& limits) {
  std::vector<Cgroup> leftovers;
  {
    absl::MutexLock lock(&mutex_);
    const size_t count = std::min(leftovers_.size(), kLeftoversATime);
    leftovers.assign(leftovers_.begin(), leftovers_.begin() + static_cast<ptrdiff_t>(count));
    leftovers_.erase(leftovers_.begin(), leftovers_.begin() + static_cast<ptrdiff_t>(count));
  }
  for (const Cgroup& leftover : leftovers) Remove(leftover);

  const Cgroup group = own_.Child(process_id);
  absl::Status made = group.Make();
  if (made.ok()) made = ApplyLimits(group, limits);
  if (ReasonOf(made) == Reason::kLimitUnavailable) {
    (void)group.Remove();
    return made;
  }
  auto directory = made.ok() ? group.Open() : absl::StatusOr<UniqueFd>(made);
  if (!directory.ok()) {
    (void)group.Remove();
    ErrorMetadata metadata = ErrorVariables(directory.status());
    metadata["stage"] = "cgroup";
    return MakeError(absl::StatusCode::kResourceExhausted, Reason::kSpawnResources,
                     std::string(directory.status().message()), metadata);
  }
  return std::make_unique<CgroupTree>(shared_from_this(), group, *std::move(directory));
}

std::unique_ptr<ProcessTree> CgroupRoot::FindLeft(const std::string& process_id) {
  for (const Cgroup& server : dead_) {
    const Cgroup group = server.Child(process_id);
    // Where it cannot be told, the signal tells why.
    if (!group.Populated().value_or(true)) continue;
    return std::make_unique<CgroupTree>(shared_from_this(), group, UniqueFd());
  }
  return nullptr;
}

absl::StatusOr<size_t> CgroupRoot::CountLeft(const std::string& process_id) const {
  for (const Cgroup& server : dead_) {
    const Cgroup group = server.Child(process_id);
    const size_t members = group.Members().size();
    // They may have ended since.
    ASSIGN_OR_RETURN(const auto populated, group.Populated());
    if (!populated) continue;
    if (members > 0) return members;
    return Unavailable(absl::StrCat("the members of '", group.path(), "' cannot be read"));
  }
  return 0;
}

void CgroupRoot::Remove(const Cgroup& group) {
  if (group.Remove()) return;
  absl::MutexLock lock(&mutex_);
  const auto same = [&](const Cgroup& other) { return other.path() == group.path(); };
  if (std::none_of(leftovers_.begin(), leftovers_.end(), same)) leftovers_.push_back(group);
}

}  // namespace proctor
