// What a real server does on a full disk.

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "absl/strings/match.h"
#include "tests/chaos/standard_error_file.h"
#include "tests/chaos/state_server.h"
#include "tests/core/storage/small_disk.h"
#include "tests/core/storage/temporary_directory.h"
#include "tests/e2e/harness/error_details.h"

namespace proctor {
namespace {

using Clock = std::chrono::steady_clock;

class FullDisk : public testing::Test {
 protected:
  void SetUp() override {
    if (!disk_.why_not().empty()) GTEST_SKIP() << disk_.why_not();
  }

  TemporaryDirectory scratch_;
  SmallDisk disk_{32};
};

TEST_F(FullDisk, WhatRunsEndsOnRecordAndNewWorkWaitsForRoom) {
  const std::string state_dir = disk_.path() + "/state";
  v1::EventPosition position;
  v1::Process held;
  v1::Process ended;
  std::vector<v1::Event> before;
  {
    StandardErrorFile errors(scratch_.File("stderr"));
    StateServer server(state_dir);
    ASSERT_TRUE(server.Start(TestProgram("wait_forever"), &held).ok());
    disk_.Fill();
    grpc::Status status;
    for (int i = 0; status.ok(); ++i) {
      v1::Process process;
      status = server.Start(TestProgram("exit_with", "3"), &process);
      if (status.ok()) ended = server.Wait(process.process_id());
      ASSERT_LT(i, 20000) << "the disk does not get full";
    }
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(Details(status).reason, "STORAGE_FULL") << status.error_message();
    EXPECT_EQ(Details(status).metadata["state_dir"], state_dir);
    {
      grpc::ClientContext context;
      v1::CreateSessionResponse response;
      const grpc::Status refused = server.sessions->CreateSession(&context, {}, &response);
      EXPECT_EQ(Details(refused).reason, "STORAGE_FULL") << refused.error_message();
    }
    EXPECT_NE(server.Info().event_log().trouble(), "");
    EXPECT_TRUE(absl::StrContains(errors.text(), "the reserve is used up")) << errors.text();

    const v1::Process stopped = server.Stop(held.process_id());
    EXPECT_EQ(stopped.exit_status().signal(), SIGTERM);
    EXPECT_EQ(CountExits(server.ListEvents(), held.process_id()), 1);

    disk_.Relieve();
    const auto deadline = Clock::now() + std::chrono::seconds(30);
    while (server.Info().event_log().trouble() != "" && Clock::now() < deadline) {
      std::this_thread::yield();
    }
    EXPECT_EQ(server.Info().event_log().trouble(), "");
    EXPECT_EQ(server.Run(TestProgram("exit_with", "4")).exit_status().exit_code(), 4);
    EXPECT_EQ(std::filesystem::file_size(state_dir + "/reserve"), 16u << 20);
    held = server.Get(held.process_id());
    ended = server.Get(ended.process_id());
    before = server.ListEvents();
    EXPECT_EQ(server.End(SIGKILL), -SIGKILL);
  }
  StateServer next(state_dir);
  EXPECT_EQ(next.Info().event_log().notice(), "");
  const std::vector<v1::Event> after = next.ListEvents();
  ASSERT_GE(after.size(), before.size());
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(after[i].SerializeAsString(), before[i].SerializeAsString()) << i;
  }
  for (v1::Process process : {held, ended}) {
    v1::Process kept = next.Get(process.process_id());
    for (v1::Process* either : {&process, &kept}) {
      either->clear_tree_empty();    // a call finds it out, and no event records it
      either->clear_output_place();  // the session's memory went with the server
    }
    EXPECT_EQ(kept.SerializeAsString(), process.SerializeAsString());
  }
  EXPECT_EQ(next.End(SIGTERM), 0);
}

// The reserve is gone, too. The server promises no records any more, but it answers, and it ends on
// SIGTERM.
TEST_F(FullDisk, AServerWithoutAnyRoomAnswersAndEnds) {
  const std::string state_dir = disk_.path() + "/state";
  StandardErrorFile errors(scratch_.File("stderr"));
  {
    StateServer server(state_dir);
    v1::Process held;
    ASSERT_TRUE(server.Start(TestProgram("wait_forever"), &held).ok());
    for (int i = 0; !absl::StrContains(errors.text(), "cannot record"); ++i) {
      disk_.Fill();
      v1::Process process;
      if (server.Start(TestProgram("exit_with", "3"), &process).ok()) {
        server.Wait(process.process_id());
      } else {  // calls that are not refused use up the rest
        grpc::ClientContext context;
        v1::SignalProcessRequest request;
        request.set_process_id(held.process_id());
        request.set_signal("SIGCONT");
        v1::SignalProcessResponse response;
        (void)server.processes->SignalProcess(&context, request, &response);
      }
      ASSERT_LT(i, 20000) << "the disk does not get full";
    }
    EXPECT_TRUE(absl::StrContains(server.Info().event_log().trouble(), "cannot record"));
    EXPECT_EQ(server.Stop(held.process_id()).exit_status().signal(), SIGTERM);
    EXPECT_EQ(server.End(SIGTERM), 0);
  }
  disk_.Relieve();
  StateServer next(state_dir);
  EXPECT_EQ(next.Info().event_log().trouble(), "");
  EXPECT_EQ(next.Info().running_processes(), 0u);
  EXPECT_EQ(next.Run(TestProgram("exit_with", "4")).exit_status().exit_code(), 4);
  (void)next.ListEvents();
  EXPECT_EQ(next.End(SIGTERM), 0);
}

}  // namespace
}  // namespace proctor
