#include "server/wire/process.h"

#include <gtest/gtest.h>

#include <memory>

#include "absl/strings/str_cat.h"

namespace proctor::wire {
namespace {

// A process with an argv of `arguments` strings of `bytes` each, and as many variables.
ProcessInfo MakeLarge(int arguments, size_t bytes) {
  Command command;
  for (int i = 0; i < arguments; ++i) {
    command.argv.push_back(absl::StrCat(i, std::string(bytes, 'a')));
    command.env[absl::StrCat("V", i, std::string(bytes, 'v'))] = "a secret";
  }
  command.labels["key"] = "value";
  ProcessInfo info;
  info.id = "process";
  info.session_id = "session";
  info.command = std::make_shared<const Command>(std::move(command));
  info.pid = 4711;
  return info;
}

TEST(ProcessMessage, OfALargeSpecificationIsAnExcerptThatSaysSo) {
  const v1::Process shown = ToProto(MakeLarge(20, 100000));
  EXPECT_LT(shown.ByteSizeLong(), 20000u);
  EXPECT_EQ(shown.spec().argv_size() + shown.spec_omitted().arguments(), 20u);
  EXPECT_EQ(shown.spec().env_size() + shown.spec_omitted().variables(), 20u);
  EXPECT_GT(shown.spec_omitted().bytes(), 3900000u);
  EXPECT_EQ(shown.spec().labels().at("key"), "value");
  EXPECT_FALSE(ToProto(MakeLarge(2, 10)).has_spec_omitted());
}

TEST(ProcessMessage, OfALostProcessHasNoDurationThatNobodyKnows) {
  ProcessInfo info = MakeLarge(1, 10);
  info.exit_status.emplace();
  info.exit_status->wait.source = StatusSource::kUnknown;
  for (const char* reason : {kServerLost, kServerLostAtStart}) {
    info.exit_status->wait.reason = reason;
    EXPECT_FALSE(ToProto(info).exit_status().has_duration()) << reason;
  }
  info.exit_status->wait.reason = "REAPED_ELSEWHERE";  // its end was seen
  info.exit_status->duration = absl::Seconds(3);
  EXPECT_EQ(ToProto(info).exit_status().duration().seconds(), 3);
}

TEST(ProcessMessage, InPagesIsTheWholeOne) {
  constexpr size_t kMost = 1 << 20;
  for (const auto& [arguments, bytes] :
       {std::pair(1, 10), std::pair(20, 100000), std::pair(50000, 1), std::pair(3, 1 << 21)}) {
    const ProcessInfo info = MakeLarge(arguments, bytes);
    v1::Process whole;
    uint64_t next = 0;
    int pages = 0;
    do {
      const v1::Process page = ToProtoPage(info, next, kMost, &next);
      // One string that is larger than a page is a page of its own.
      if (bytes < 1 << 20) {
        EXPECT_LE(page.ByteSizeLong(), kMost);
      }
      const uint64_t left_out = page.spec_omitted().arguments() + page.spec_omitted().variables();
      EXPECT_EQ(left_out == 0, next == 0);
      EXPECT_EQ(page.process_id(), info.id);
      whole.MergeFrom(page);
      ++pages;
    } while (next != 0);
    whole.clear_spec_omitted();
    EXPECT_EQ(pages > 1, bytes > 10 || arguments > 1000) << arguments;
    const v1::Process expected = ToWholeProto(info);
    EXPECT_EQ(whole.spec().argv_size(), expected.spec().argv_size());
    EXPECT_EQ(whole.ShortDebugString(), expected.ShortDebugString()) << arguments;
  }
}

TEST(ProcessMessage, OfAPageBeyondTheEndHasNothing) {
  uint64_t next = 1;
  const v1::Process page = ToProtoPage(MakeLarge(3, 1), 1000, 1 << 20, &next);
  EXPECT_EQ(next, 0u);
  EXPECT_EQ(page.spec().argv_size(), 0);
  EXPECT_FALSE(page.has_spec_omitted());
}

}  // namespace
}  // namespace proctor::wire
