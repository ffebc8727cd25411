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
  const absl::Status status = InvalidField("spec.argv", "is empty");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "spec.argv: is empty");
  EXPECT_EQ(ErrorReason(status), "INVALID_FIELD");
  EXPECT_EQ(ErrorVariables(status).at("field"), "spec.argv");
}

TEST(Error, SaysErrnoInWordsAndByName) {
  const absl::Status status =
      ErrnoError(absl::StatusCode::kNotFound, Reason::kNoLease, "spawn", "/x", ENOENT);
  EXPECT_EQ(status.message(), "spawn '/x': No such file or directory");
  EXPECT_EQ(ErrorVariables(status).at("errno_name"), "ENOENT");
  EXPECT_EQ(ErrorVariables(status).at("errno"), "2");
  EXPECT_EQ(ErrnoName(123456), "123456");
}

}  // namespace
}  // namespace proctor
