#include "server/call/refusals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proctor/error.h"
#include "server/wire/status.h"
#include "tests/server/log_lines.h"

namespace proctor::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class RefusalsTest : public ::testing::Test {
 protected:
  void Note(const absl::Status& status) {
    refusals_.Note("StartProcess", wire::ToGrpc(status), [this] {
      ++callers_asked_;
      return std::string("unix:\x1b");
    });
  }
  static absl::Status Error(absl::StatusCode code, Reason reason,
                            const ErrorMetadata& metadata = {}) {
    return MakeError(code, reason, "say \"no\" to 'it'", metadata);
  }

  absl::Time now_ = absl::FromUnixSeconds(1700000000);
  Refusals refusals_{[this] { return now_; }};
  int callers_asked_ = 0;
};

TEST_F(RefusalsTest, NamesTheCallTheErrorItsIdsAndTheCaller) {
  LogLines log(spdlog::level::info);
  Note(Error(absl::StatusCode::kResourceExhausted, Reason::kQuotaExceeded,
             {{"session_id", "s1"}, {"quota", "memory"}}));
  EXPECT_THAT(log.Take(),
              ElementsAre("warning call refused rpc=StartProcess code=RESOURCE_EXHAUSTED "
                          "reason=QUOTA_EXCEEDED session_id=\"s1\" by=\"unix:\\x1b\" "
                          "message=\"say \\\"no\\\" to 'it'\""));
}

TEST_F(RefusalsTest, TellsMistakesOfCallersAtInfo) {
  LogLines log(spdlog::level::info);
  Note(Error(absl::StatusCode::kNotFound, Reason::kProcessNotFound));
  Note(InvalidField("spec", "is required"));
  Note(Error(absl::StatusCode::kUnavailable, Reason::kServerDraining));
  Note(Error(absl::StatusCode::kUnavailable, Reason::kStorageBusy));
  Note(absl::InternalError("without a reason"));
  EXPECT_THAT(log.Take(),
              ElementsAre(StartsWith("info call refused rpc=StartProcess code=NOT_FOUND"),
                          StartsWith("info call refused rpc=StartProcess code=INVALID_ARGUMENT"),
                          StartsWith("info call refused rpc=StartProcess code=UNAVAILABLE"),
                          StartsWith("warning call refused rpc=StartProcess code=UNAVAILABLE"),
                          StartsWith("warning call refused rpc=StartProcess code=INTERNAL")));
}

TEST_F(RefusalsTest, SaysNothingOfWhatIsNoRefusal) {
  LogLines log(spdlog::level::info);
  Note(absl::OkStatus());
  Note(absl::CancelledError("the caller went away"));
  Note(Error(absl::StatusCode::kDeadlineExceeded, Reason::kWaitTimeout));
  EXPECT_THAT(log.Take(), IsEmpty());
  EXPECT_EQ(callers_asked_, 0);
}

TEST_F(RefusalsTest, AreBoundedForEachCodeAndCounted) {
  LogLines log(spdlog::level::info);
  const absl::Status flood = Error(absl::StatusCode::kNotFound, Reason::kProcessNotFound);
  for (int i = 0; i < 1000; ++i) Note(flood);
  EXPECT_THAT(log.Take(), SizeIs(LineBudget::kBurst));
  EXPECT_EQ(callers_asked_, LineBudget::kBurst);
  Note(absl::InternalError("another"));
  EXPECT_THAT(log.Take(), SizeIs(1));
  now_ += LineBudget::kPause;
  Note(flood);
  const auto next = log.Take();
  ASSERT_THAT(next, SizeIs(1));
  EXPECT_THAT(next[0], ::testing::EndsWith(" untold=990"));
  Note(flood);
  refusals_.TellUntold();
  EXPECT_THAT(log.Take(), ElementsAre("info calls without a line code=NOT_FOUND count=1"));
  refusals_.TellUntold();
  EXPECT_THAT(log.Take(), IsEmpty());
}

TEST_F(RefusalsTest, AreAllToldWhereLevelDebugIs) {
  LogLines log(spdlog::level::debug);
  for (int i = 0; i < 100; ++i) Note(absl::InternalError("again"));
  EXPECT_THAT(log.Take(), SizeIs(100));
  refusals_.TellUntold();
  EXPECT_THAT(log.Take(), IsEmpty());
}

TEST_F(RefusalsTest, CostNothingWhereTheyAreNotLogged) {
  LogLines log(spdlog::level::err);
  Note(absl::InternalError("no line"));
  EXPECT_THAT(log.Take(), IsEmpty());
  EXPECT_EQ(callers_asked_, 0);
}

}  // namespace
}  // namespace proctor::server
