#include "server/log/server_log.h"

#include <gmock/gmock.h>
#include <grpc/support/log.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "core/base/warning.h"
#include "proctor/v1/process_service.pb.h"
#include "server/log/line_budget.h"

namespace proctor::server {
namespace {

using ::testing::ContainsRegex;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::SizeIs;

// The lines on stderr while there is a log and `say` runs.
std::vector<std::string> LinesOf(const std::function<void()>& say) {
  const auto before = spdlog::default_logger();
  testing::internal::CaptureStderr();
  {
    const ServerLog log("info");
    say();
  }
  SetWarningHandler(nullptr);
  spdlog::set_default_logger(before);
  std::string text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, EndsWith("\n"));
  if (!text.empty()) text.pop_back();
  return absl::StrSplit(text, '\n');
}

TEST(ServerLogTest, MakesOneLineOfWhateverIsSaid) {
  EXPECT_THAT(LinesOf([] {
                spdlog::warn("a\nb\x1b[2J\u202Ec é");
                Warn("d\re");
              }),
              ElementsAre(EndsWith(" warning a\\nb\\x1b[2J\\xe2\\x80\\xaec é"),
                          EndsWith(" warning d\\x0de")));
}

TEST(ServerLogTest, TakesWhatGrpcSays) {
  EXPECT_THAT(LinesOf([] { gpr_log(GPR_ERROR, "first\nsecond"); }),
              ElementsAre(ContainsRegex(
                  "^20.* error grpc source=server_log_test\\.cc:[0-9]+: first\\\\nsecond$")));
}

TEST(ServerLogTest, TakesWhatProtobufSays) {
  // Field 1, two bytes, no UTF-8.
  const std::string bad("\x0a\x02\xff\xfe", 4);
  EXPECT_THAT(LinesOf([&] { (void)v1::GetProcessRequest().ParseFromString(bad); }),
              ElementsAre(ContainsRegex("^20.* error protobuf source=.*UTF-8")));
}

TEST(ServerLogTest, BoundsWhatOthersCanMakeALibrarySay) {
  const auto lines = LinesOf([] {
    for (int i = 0; i < 10000; ++i) gpr_log(GPR_ERROR, "again");
    gpr_log(GPR_ERROR, "something else");
  });
  EXPECT_LT(lines.size(), 5000u);  // one more a second, however slow the machine is
  EXPECT_THAT(lines.back(), EndsWith(": something else"));
}

}  // namespace
}  // namespace proctor::server
