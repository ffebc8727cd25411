// Output of a process that another stream started.

#include "tests/e2e/harness/e2e_test.h"

namespace proctor {
namespace {

using AttachE2e = E2eTest;

TEST_F(AttachE2e, AnotherClientAttachesFromTheStartAndSeesAll) {
  const v1::Process process = Start(Spec("spew", {"50000", "10"}));
  Wait(process.process_id());
  auto other = v1::ProcessService::NewStub(server_.NewChannel());
  processes_.swap(other);
  const Transcript attached = Attach(process.process_id());
  EXPECT_TRUE(attached.status.ok());
  EXPECT_EQ(attached.out.size(), 50000u);
  EXPECT_EQ(attached.err.size(), 10u);
  EXPECT_TRUE(attached.gaps.empty());
  EXPECT_EQ(attached.exit_status.exit_code(), 0);
  EXPECT_EQ(Attach(process.process_id(), 49990).out.size(), 10u);
}

TEST_F(AttachE2e, AGapIsToldWhereOutputIsNotKept) {
  v1::ProcessSpec spec = Spec("spew", {"50000", "0"});
  spec.mutable_output()->set_retain_bytes(4096);
  const v1::Process process = Start(spec);
  Wait(process.process_id());
  const Transcript attached = Attach(process.process_id());
  ASSERT_EQ(attached.gaps.size(), 1u);
  EXPECT_EQ(attached.gaps[0].from(), 0u);
  EXPECT_EQ(attached.gaps[0].to(), 50000u - 4096u);
  EXPECT_EQ(attached.out.size(), 4096u);
}

}  // namespace
}  // namespace proctor
