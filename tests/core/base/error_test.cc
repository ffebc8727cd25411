#include "proctor/error.h"

#include <errno.h>
#include <gtest/gtest.h>

namespace proctor {
namespace {

TEST(Error, CarriesReasonAndVariables) {
  const absl::Status status = MakeError(absl::StatusCode::kNotFound, Reason::kProcessNotFound,
                                        "no process 'x'", {{"process_id", "x"}, {"a", ""}});
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "no process 'x'");
  EXPECT_EQ(ErrorReason(status), "PROCESS_NOT_FOUND");
  EXPECT_EQ(ErrorVariables(status), (ErrorMetadata{{"process_id", "x"}, {"a", ""}}));
}

TEST(Error, KeepsVariablesApartWhenOneContainsANul) {
  const absl::Status status = MakeError(absl::StatusCode::kInvalidArgument, Reason::kNoLease, "m",
                                        {{"k", std::string("a\0b", 3)}});
  EXPECT_EQ(ErrorVariables(status), (ErrorMetadata{{"k", "a?b"}}));
}

TEST(Error, PlainStatusHasNoReason) {
  EXPECT_EQ(ErrorReason(absl::InternalError("x")), "");
  EXPECT_TRUE(ErrorVariables(absl::InternalError("x")).empty());
  EXPECT_EQ(ErrorReason(absl::OkStatus()), "");
}

TEST(Error, NamesTheField) {
  const absl::Status status = InvalidField("argv", "is empty");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "argv: is empty");
  EXPECT_EQ(ErrorReason(status), "INVALID_FIELD");
  EXPECT_EQ(ErrorVariables(status).at("field"), "argv");
}

TEST(Error, SaysErrnoInWordsAndByName) {
  const absl::Status status =
      ErrnoError(absl::StatusCode::kNotFound, Reason::kNoLease, "spawn", "/x", ENOENT);
  EXPECT_EQ(status.message(), "spawn '/x': No such file or directory");
  EXPECT_EQ(ErrorVariables(status).at("errno_name"), "ENOENT");
  EXPECT_EQ(ErrorVariables(status).at("errno"), "2");
  EXPECT_EQ(ErrnoName(123456), "123456");
}

TEST(ErrorField, IsWhatTheErrorNames) {
  EXPECT_EQ(FieldOf(InvalidField("rows", "is odd")), "rows");
  EXPECT_EQ(FieldOf(SystemError("open", 2)), "");
  EXPECT_EQ(FieldOf(absl::OkStatus()), "");
}

TEST(ErrorField, ChangesInTheVariablesAndAtTheFrontOfTheMessage) {
  const absl::Status error = MakeError(absl::StatusCode::kOutOfRange, Reason::kOffsetOutOfRange,
                                       "out: 4 is beyond out: 3", {{"field", "out"}, {"n", "4"}});
  const absl::Status renamed = WithField(error, "from.out");
  EXPECT_EQ(renamed.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ErrorReason(renamed), "OFFSET_OUT_OF_RANGE");
  EXPECT_EQ(renamed.message(), "from.out: 4 is beyond out: 3");
  EXPECT_EQ(ErrorVariables(renamed), (ErrorMetadata{{"field", "from.out"}, {"n", "4"}}));
}

TEST(ErrorField, IsNotLookedForElsewhereInTheMessage) {
  const absl::Status error = MakeError(absl::StatusCode::kFailedPrecondition, Reason::kSpawnFailed,
                                       "user names do not begin so", {{"field", "user"}});
  EXPECT_EQ(WithField(error, "spec.user").message(), "user names do not begin so");
  EXPECT_EQ(FieldOf(WithField(error, "spec.user")), "spec.user");
}

TEST(ErrorField, StandsInAMember) {
  EXPECT_EQ(FieldOf(InMember("size", InvalidField("rows", "is odd"))), "size.rows");
  EXPECT_EQ(InMember("rlimits", InvalidField("[1].soft", "is odd")).message(),
            "rlimits[1].soft: is odd");
}

TEST(ErrorField, IsGivenToNoErrorThatNamesNone) {
  const absl::Status error = SystemError("open", 2);
  EXPECT_EQ(InMember("size", error), error);
  EXPECT_EQ(WithField(error, "size"), error);
  EXPECT_TRUE(InMember("size", absl::OkStatus()).ok());
}

}  // namespace
}  // namespace proctor
