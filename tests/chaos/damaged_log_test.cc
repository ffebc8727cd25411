// What a real server does with a damaged event log.

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/printable_text.h"
#include "core/storage/sqlite.h"
#include "tests/chaos/standard_error_file.h"
#include "tests/chaos/state_server.h"
#include "tests/core/storage/temporary_directory.h"
#include "tests/e2e/harness/error_details.h"

namespace proctor {
namespace {

enum class Damage { kCutOff, kOverwritten, kNoDatabase, kHole };

void Apply(Damage damage, const std::string& path) {
  switch (damage) {
    case Damage::kCutOff:
      std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2 + 100);
      return;
    case Damage::kOverwritten: {
      const auto size = static_cast<std::streamoff>(std::filesystem::file_size(path));
      std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
      for (std::streamoff at = 4096; at < size; at += 4096) {
        file.seekp(at);
        file << std::string(512, '\xa5');
      }
      return;
    }
    case Damage::kNoDatabase:
      std::ofstream(path, std::ios::trunc) << "somebody wrote this over it\n";
      return;
    case Damage::kHole: {
      auto connection = SqliteConnection::Open(path, /*create=*/false);
      ASSERT_TRUE(connection
                      ->Execute("DELETE FROM event WHERE sequence = (SELECT max(sequence) / 2 FROM "
                                "event)")
                      .ok());
      return;
    }
  }
}

class DamagedLog : public testing::TestWithParam<Damage> {
 protected:
  TemporaryDirectory directory_;
};

TEST_P(DamagedLog, IsSetAsideAndTheServerSaysWhatIsLost) {
  const std::string state_dir = directory_.File("state");
  const std::string path = state_dir + "/events.db";
  v1::EventPosition position;
  {
    StateServer server(state_dir);
    for (int i = 0; i < 30; ++i) server.Run(TestProgram("exit_with", absl::StrCat(i)));
    position = server.Info().last_event();
    EXPECT_EQ(server.End(SIGTERM), 0);
  }
  Apply(GetParam(), path);

  v1::EventPosition now;
  {
    StandardErrorFile errors(directory_.File("stderr"));
    StateServer server(state_dir);
    const v1::GetServerInfoResponse info = server.Info();
    const std::string& notice = info.event_log().notice();
    EXPECT_TRUE(absl::StrContains(notice, path + ".damaged-")) << notice;
    EXPECT_TRUE(absl::StrContains(notice, "is lost")) << notice;
    EXPECT_TRUE(absl::StrContains(errors.text(), Printable(notice))) << errors.text();
    EXPECT_EQ(info.event_log().trouble(), "");
    EXPECT_NE(info.last_event().log_id(), position.log_id());
    EXPECT_EQ(info.last_event().sequence(), 0u);

    const grpc::Status resumed = server.Resume(position);
    EXPECT_EQ(resumed.error_code(), grpc::StatusCode::ABORTED);
    EXPECT_EQ(Details(resumed).reason, "LOG_CHANGED");
    EXPECT_EQ(Details(resumed).metadata["log_id"], info.last_event().log_id());

    const v1::Process process = server.Run(TestProgram("exit_with", "7"));
    EXPECT_EQ(CountExits(server.ListEvents(), process.process_id()), 1);
    now = server.Info().last_event();
    EXPECT_EQ(server.End(SIGKILL), -SIGKILL);
  }
  size_t set_aside = 0;
  for (const auto& entry : std::filesystem::directory_iterator(state_dir)) {
    if (absl::StrContains(entry.path().string(), "events.db.damaged-")) ++set_aside;
  }
  EXPECT_GE(set_aside, 1u);

  StateServer next(state_dir);
  EXPECT_EQ(next.Info().event_log().notice(), "");
  EXPECT_EQ(next.Info().last_event().log_id(), now.log_id());
  EXPECT_TRUE(next.Resume(now).ok());
  EXPECT_EQ(next.End(SIGTERM), 0);
}

INSTANTIATE_TEST_SUITE_P(Storage, DamagedLog,
                         testing::Values(Damage::kCutOff, Damage::kOverwritten, Damage::kNoDatabase,
                                         Damage::kHole),
                         [](const auto& info) {
                           switch (info.param) {
                             case Damage::kCutOff:
                               return "CutOff";
                             case Damage::kOverwritten:
                               return "Overwritten";
                             case Damage::kNoDatabase:
                               return "NoDatabase";
                             case Damage::kHole:
                               return "Hole";
                           }
                           return "";
                         });

// The server keeps the whole part of a torn write-ahead log. It uses the lost sequences again, so
// the log gets another id, and a subscriber's resume fails.
TEST(TornLog, GoesOnWithWhatIsWholeUnderAnotherId) {
  TemporaryDirectory directory;
  const std::string state_dir = directory.File("state");
  v1::EventPosition position;
  std::vector<v1::Event> before;
  {
    StateServer server(state_dir);
    for (int i = 0; i < 30; ++i) server.Run(TestProgram("exit_with", absl::StrCat(i)));
    before = server.ListEvents();
    position = server.Info().last_event();
    EXPECT_EQ(server.End(SIGKILL), -SIGKILL);
  }
  const std::string wal = state_dir + "/events.db-wal";
  std::filesystem::resize_file(wal, std::filesystem::file_size(wal) / 2 + 1000);

  StateServer server(state_dir);
  const std::vector<v1::Event> after = server.ListEvents();
  ASSERT_FALSE(after.empty());
  EXPECT_EQ(after.front().sequence(), 1u);
  // After the kept part come the losses that the server found by itself.
  for (size_t i = 0; i < after.size() && i < before.size(); ++i) {
    v1::Event same = after[i];
    same.set_log_id(before[i].log_id());
    if (same.SerializeAsString() == before[i].SerializeAsString()) continue;
    for (; i < after.size(); ++i) {
      const bool lost = after[i].has_process_exited()
                            ? after[i].process_exited().exit_status().has_unknown()
                            : after[i].has_output_drained() || after[i].has_session_closed();
      EXPECT_TRUE(lost) << after[i].ShortDebugString();
    }
  }
  ASSERT_LT(after.size(), before.size()) << "the damage took nothing";
  EXPECT_EQ(Details(server.Resume(position)).reason, "LOG_CHANGED");
  EXPECT_TRUE(absl::StrContains(server.Info().event_log().notice(), "are missing"))
      << server.Info().event_log().notice();
  EXPECT_EQ(server.End(SIGTERM), 0);
}

}  // namespace
}  // namespace proctor
