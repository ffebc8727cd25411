// What a server does with the signals that it was started with.
#include <signal.h>

#include "absl/strings/str_cat.h"
#include "tests/e2e/harness/e2e_test.h"

namespace proctor {
namespace {

// Makes what this process starts meanwhile ignore SIGCHLD. Not the test itself: its own
// children are its own to reap.
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
