#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/base/random_id.h"
#include "core/base/return_if_error.h"
#include "core/tree/cgroup.h"
#include "core/tree/cgroup_root.h"

namespace proctor {

// Makes a control group of a test's own: servers and other tests have theirs beside it.
// Returns its path; the test removes it. Errors: why there can be none.
inline absl::StatusOr<std::string> MakeTestCgroup() {
  auto own = FindOwnCgroup();
  if (!own.ok()) return own.status();
  const Cgroup group = Cgroup(*own).Child(absl::StrCat("core-test-", NewRandomId()));
  RETURN_IF_ERROR(group.Make());
  return group.path();
}

}  // namespace proctor
