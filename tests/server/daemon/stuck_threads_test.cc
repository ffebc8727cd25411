#include "server/daemon/stuck_threads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "absl/synchronization/notification.h"
#include "core/loop/selector_event_loop.h"
#include "proctor/error.h"

namespace proctor::server {
namespace {

using testing::HasSubstr;

TEST(StuckThreadsTest, TellsOfASessionThatDoesNotGetOnAndOfItsRecovery) {
  EventLog events(1000);
  SessionRegistry sessions({}, &events);
  auto session = sessions.Create({});
  ASSERT_TRUE(session.ok()) << session.status();
  const std::shared_ptr<EventLoop> main_loop = *SelectorEventLoop::Create();
  StuckThreads stuck(&sessions, main_loop, *SelectorEventLoop::Create(), absl::Milliseconds(1));
  EXPECT_TRUE(stuck.Check().ok());

  absl::Notification leave;
  ASSERT_TRUE((*session)->Post([&] { leave.WaitForNotification(); }).ok());
  std::vector<absl::Status> told;
  stuck.Begin([&](const absl::Status& status) {
    told.push_back(status);
    if (status.ok()) return main_loop->Stop();
    leave.Notify();
  });
  ASSERT_TRUE(main_loop->RunForever().ok());
  stuck.End();

  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorReason(told[0]), "THREAD_STUCK");
  EXPECT_EQ(ErrorVariables(told[0])["session_id"], (*session)->id());
  EXPECT_THAT(std::string(told[0].message()), HasSubstr((*session)->id()));

  absl::Notification drained;
  sessions.Drain({}, [&] { drained.Notify(); });
  drained.WaitForNotification();
  EXPECT_TRUE(main_loop->Close().ok());
}

}  // namespace
}  // namespace proctor::server
