#include "core/session/start_requests.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"

namespace proctor {
namespace {

std::shared_ptr<const Command> CommandOf(const std::string& program) {
  Command command;
  command.argv = {program};
  return std::make_shared<const Command>(std::move(command));
}

TEST(StartRequests, KnowsNothingOfANewOne) {
  StartRequests requests;
  auto found = requests.Find("r", *CommandOf("a"));
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(*found, "");
}

TEST(StartRequests, FindsTheProcessOfAnEqualCommandOnly) {
  StartRequests requests;
  requests.OnStarted("r", "p", CommandOf("a"));
  EXPECT_EQ(*requests.Find("r", *CommandOf("a")), "p");
  const absl::Status other = requests.Find("r", *CommandOf("b")).status();
  EXPECT_EQ(other.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ErrorReason(other), "REQUEST_ID_REUSED");
  EXPECT_EQ(ErrorVariables(other).at("process_id"), "p");
}

TEST(StartRequests, OutlivesItsProcess) {
  StartRequests requests;
  requests.OnStarted("r", "p", CommandOf("a"));
  requests.OnForgotten("p");
  requests.OnForgotten("never seen");
  for (const char* program : {"a", "b"}) {
    const absl::Status forgotten = requests.Find("r", *CommandOf(program)).status();
    EXPECT_EQ(forgotten.code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(ErrorReason(forgotten), "PROCESS_NOT_FOUND");
    EXPECT_EQ(ErrorVariables(forgotten).at("process_id"), "p");
  }
  EXPECT_EQ(ErrorReason(requests.Cancel("r").status()), "PROCESS_NOT_FOUND");
}

TEST(StartRequests, ACancelledOneIsNeverStarted) {
  StartRequests requests;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(*requests.Cancel("r"), "") << "repeatable";
  const absl::Status cancelled = requests.Find("r", *CommandOf("a")).status();
  EXPECT_EQ(cancelled.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(ErrorReason(cancelled), "START_CANCELLED");
  EXPECT_EQ(ErrorVariables(cancelled).at("request_id"), "r");
}

TEST(StartRequests, ToCancelWhatWasStartedNamesItsProcess) {
  StartRequests requests;
  requests.OnStarted("r", "p", CommandOf("a"));
  EXPECT_EQ(*requests.Cancel("r"), "p");
  EXPECT_EQ(*requests.Find("r", *CommandOf("a")), "p");
}

TEST(StartRequests, RemembersTheNewestOfThePastAndAllThatLive) {
  StartRequests requests(/*max_past=*/3);
  const auto command = CommandOf("a");
  requests.OnStarted("live", "live-process", command);
  (void)requests.Cancel("fence");
  for (int i = 0; i < 3; ++i) {
    const std::string id = absl::StrCat(i);
    requests.OnStarted(id, absl::StrCat("process-", id), command);
    requests.OnForgotten(absl::StrCat("process-", id));
  }
  EXPECT_EQ(*requests.Find("fence", *command), "") << "the oldest had to go";
  EXPECT_EQ(ErrorReason(requests.Find("0", *command).status()), "PROCESS_NOT_FOUND");
  (void)requests.Cancel("another fence");
  EXPECT_EQ(*requests.Find("0", *command), "");
  EXPECT_EQ(ErrorReason(requests.Find("2", *command).status()), "PROCESS_NOT_FOUND");
  EXPECT_EQ(*requests.Find("live", *command), "live-process");
}

}  // namespace
}  // namespace proctor
