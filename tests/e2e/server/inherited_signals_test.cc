// The server starts with dispositions of signals that it inherits.
#include <signal.h>

#include "absl/strings/str_cat.h"
#include "tests/e2e/harness/e2e_test.h"

namespace proctor {
namespace {

// Ignores SIGCHLD until Restore, so that programs started meanwhile inherit that. Afterwards the
// test can reap its own children again.
class SigchldIgnored {
 public:
  SigchldIgnored() { earlier_ = ::signal(SIGCHLD, SIG_IGN); }
  void Restore() { ::signal(SIGCHLD, earlier_); }

 private:
  sighandler_t earlier_;
};

class InheritedSignalsE2e : private SigchldIgnored, public E2eTest {
 protected:
  InheritedSignalsE2e() { Restore(); }  // the server is started
};

TEST_F(InheritedSignalsE2e, AStartIsNoErrorThoughSigchldWasIgnored) {
  constexpr int kRuns = 100;
  std::vector<std::string> ids;
  for (int i = 0; i < kRuns; ++i) {
    ids.push_back(Start(Spec("exit_with", {absl::StrCat(i)})).process_id());
  }
  for (int i = 0; i < kRuns; ++i) {
    const v1::ExitStatus status = Wait(ids[i]).exit_status();
    EXPECT_EQ(status.exit_code(), i);
    EXPECT_EQ(status.source(), v1::STATUS_SOURCE_WAITED);
  }
}

}  // namespace
}  // namespace proctor
