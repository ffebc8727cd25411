#include "core/tree/group_tree.h"

#include <errno.h>
#include <signal.h>

#include "absl/strings/str_cat.h"
#include "core/base/signal_name.h"
#include "proctor/error.h"

namespace proctor {

void GroupTree::Signal(EventLoop*, TreeSignal signal, TreeSent done) {
  if (leader_ == 0) {
    return done(MakeError(absl::StatusCode::kNotFound, Reason::kProcessExited,
                          "the leader of the process group has ended"));
  }
  if (signal.beside != 0) return done(absl::OkStatus());  // those processes are unknown
  // A zombie keeps its pid, and so its group is its own.
  if (::kill(-leader_, signal.number) != 0) {
    return done(
        SystemError(absl::StrCat("send ", SignalName(signal.number), " to a group"), errno));
  }
  if (signal.resume) (void)::kill(-leader_, SIGCONT);  // gone: as well
  done(absl::OkStatus());
}

absl::Status GroupTree::AwaitEmpty(EventLoop*, TreeWait) {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kTreeUnknown,
                   "without a control group and without /proc nobody knows who is left");
}

}  // namespace proctor
