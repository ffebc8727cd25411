#include "proctor/process_user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/return_if_error.h"
#include "core/command/excerpt.h"
#include "proctor/error.h"

namespace proctor {
namespace {

constexpr size_t kFirstBuffer = 4096;
constexpr size_t kLargestBuffer = 16 << 20;  // a group may have many members

// An entry of a database, its strings in `buffer`.
template <typename Entry>
struct Found {
  bool there = false;
  Entry entry = {};
  std::vector<char> buffer;
};

// Calls getpwnam_r(3) or one of its sisters with a buffer that is large enough. Some databases
// report a missing entry as one of these errors.
template <typename Entry, typename Key>
absl::Status Look(int (*look)(Key, Entry*, char*, size_t, Entry**), Key key, Found<Entry>& found) {
  for (size_t size = kFirstBuffer;; size *= 2) {
    found.buffer.resize(size);
    Entry* entry = nullptr;
    const int error = look(key, &found.entry, found.buffer.data(), size, &entry);
    if (error == EINTR) continue;
    if (error == ERANGE && size < kLargestBuffer) continue;
    found.there = entry != nullptr;
    if (found.there || error == 0 || error == ENOENT || error == ESRCH || error == EBADF ||
        error == EPERM) {
      return absl::OkStatus();
    }
    return SystemError("look up a user or group", error);
  }
}

// A decimal id. The largest means "leave as it is" to the kernel, and is no id.
std::optional<uint32_t> ParseId(const std::string& text) {
  uint32_t id = 0;
  const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || !absl::SimpleAtoi(text, &id) || id == UINT32_MAX) return std::nullopt;
  return id;
}

absl::StatusOr<gid_t> ResolveGroup(const std::string& group, std::string_view field) {
  Found<::group> found;
  RETURN_IF_ERROR(Look(::getgrnam_r, group.c_str(), found));
  if (found.there) return found.entry.gr_gid;
  if (auto id = ParseId(group); id.has_value()) return *id;
  return InvalidField(field, absl::StrCat("no group '", Excerpt(group), "' on this machine"));
}

std::vector<gid_t> GroupsOf(const std::string& name, gid_t group) {
  std::vector<gid_t> groups(64);
  while (true) {
    int count = static_cast<int>(groups.size());
    const int result = ::getgrouplist(name.c_str(), group, groups.data(), &count);
    groups.resize(static_cast<size_t>(std::max(count, 1)));
    if (result >= 0) return groups;
  }
}

bool HasNul(const std::string& text) { return text.find('\0') != std::string::npos; }

absl::Status CheckText(const ProcessUser& user) {
  if (HasNul(user.user)) return InvalidField("user", "contains a NUL");
  if (HasNul(user.group)) return InvalidField("group", "contains a NUL");
  for (const std::string& group : user.supplementary_groups) {
    if (group.empty() || HasNul(group)) {
      return InvalidField("supplementary_groups", "a name is empty or contains a NUL");
    }
  }
  return absl::OkStatus();
}

// The user, its own group and its own groups.
absl::Status ReadUser(const ProcessUser& user, Identity& identity) {
  Found<::passwd> found;
  std::optional<uint32_t> id;
  absl::Status status;
  if (user.user.empty()) {
    identity.uid = ::geteuid();
    identity.gid = ::getegid();
    status = Look(::getpwuid_r, identity.uid, found);
  } else {
    status = Look(::getpwnam_r, user.user.c_str(), found);
    if (status.ok() && !found.there && (id = ParseId(user.user)).has_value()) {
      status = Look(::getpwuid_r, static_cast<uid_t>(*id), found);
    }
  }
  if (!status.ok()) return status;
  if (found.there) {
    identity.has_entry = !user.user.empty();
    identity.name = found.entry.pw_name;
    identity.home = found.entry.pw_dir;
    identity.shell = found.entry.pw_shell;
    if (!user.user.empty()) {
      identity.uid = found.entry.pw_uid;
      identity.gid = found.entry.pw_gid;
    }
    return absl::OkStatus();
  }
  if (user.user.empty()) return absl::OkStatus();
  if (!id.has_value()) {
    return InvalidField("user", absl::StrCat("no user '", Excerpt(user.user), "' on this machine"));
  }
  if (user.group.empty()) {
    return InvalidField("group", absl::StrCat("is required: user ", *id,
                                              " has no entry in the user database, "
                                              "and so no group of its own"));
  }
  identity.uid = *id;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Identity> ResolveIdentity(const ProcessUser& user) {
  Identity identity;
  identity.changes =
      !user.user.empty() || !user.group.empty() || !user.supplementary_groups.empty();
  if (!identity.changes) return identity;
  RETURN_IF_ERROR(CheckText(user));
  RETURN_IF_ERROR(ReadUser(user, identity));
  if (!user.group.empty()) {
    ASSIGN_OR_RETURN(auto group, ResolveGroup(user.group, "group"));
    identity.gid = group;
  }
  for (const std::string& name : user.supplementary_groups) {
    ASSIGN_OR_RETURN(auto group, ResolveGroup(name, "supplementary_groups"));
    identity.groups.push_back(group);
  }
  if (identity.groups.empty()) {
    identity.groups = identity.name.empty() ? std::vector<gid_t>{identity.gid}
                                            : GroupsOf(identity.name, identity.gid);
  }
  std::sort(identity.groups.begin(), identity.groups.end());
  identity.groups.erase(std::unique(identity.groups.begin(), identity.groups.end()),
                        identity.groups.end());
  return identity;
}

}  // namespace proctor
