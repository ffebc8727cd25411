#include "server/wire/field.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/command/process_change.h"
#include "proctor/command.h"
#include "proctor/error.h"
#include "proctor/v1/process_service.pb.h"
#include "server/wire/command.h"
#include "server/wire/session.h"

namespace proctor::wire {
namespace {

// Whether the contract has such a field: "output.retain_bytes", "rlimits[1].soft".
bool Has(const google::protobuf::Descriptor* message, const std::string& path) {
  const std::vector<std::string> parts = absl::StrSplit(path, '.');
  for (const std::string& part : parts) {
    if (message == nullptr) return false;
    const auto* field = message->FindFieldByName(part.substr(0, part.find('[')));
    if (field == nullptr) return false;
    message = field->message_type();
  }
  return true;
}

std::string Field(const absl::Status& status) { return ErrorVariables(status)["field"]; }

TEST(Field, OfEachMemberOfACommandIsThatOfTheSpecification) {
  const struct {
    std::function<void(Command&)> spoil;
    const char* field;
  } cases[] = {
      {[](Command& c) { c.argv.clear(); }, "argv"},
      {[](Command& c) { c.argv.emplace_back("\0", 1); }, "argv[1]"},
      {[](Command& c) { c.cwd = std::string("\0", 1); }, "cwd"},
      {[](Command& c) { c.env["A=B"] = ""; }, "env"},
      {[](Command& c) { c.stdin_mode = StdioMode::kMerged; }, "stdin_mode"},
      {[](Command& c) { c.stdout_mode = StdioMode::kMerged; }, "stdout_mode"},
      {[](Command& c) { c.terminal.emplace().size.columns = 0; }, "pty.size.columns"},
      {[](Command& c) { c.terminal.emplace().term = std::string(256, 't'); }, "pty.term"},
      {[](Command& c) { c.user.user = std::string(256, 'u'); }, "user.user"},
      {[](Command& c) { c.user.group = std::string(256, 'g'); }, "user.group"},
      {[](Command& c) { c.user.supplementary_groups = {std::string(256, 'g')}; },
       "user.supplementary_groups"},
      {[](Command& c) { c.umask = 01000; }, "umask"},
      {[](Command& c) { c.nice = 20; }, "nice"},
      {[](Command& c) { c.oom_score_adj = 1001; }, "oom_score_adj"},
      {[](Command& c) {
         c.rlimits = {{"core", 1, 1}, {"locks", 1, 1}};
       },
       "rlimits[1].resource"},
      {[](Command& c) {
         c.rlimits = {{"core", 2, 1}};
       },
       "rlimits[0].soft"},
      {[](Command& c) { c.cgroup.cpus = -1; }, "cgroup.cpus"},
      {[](Command& c) { c.cgroup.io_weight = 10001; }, "cgroup.io_weight"},
      {[](Command& c) { c.run_timeout = absl::ZeroDuration(); }, "run_timeout"},
      {[](Command& c) { c.idle_timeout = absl::ZeroDuration(); }, "idle_timeout"},
      {[](Command& c) { c.drain_grace = -absl::Seconds(1); }, "drain_grace"},
      {[](Command& c) { c.stop_policy.signal = 0; }, "stop_policy.signal"},
      {[](Command& c) { c.stop_policy.grace = -absl::Seconds(1); }, "stop_policy.grace"},
      {[](Command& c) { c.retain_bytes = 1; }, "output.retain_bytes"},
      {[](Command& c) { c.labels["a b"] = ""; }, "labels"},
      {[](Command& c) { c.name = "0"; }, "name"},
  };
  for (const auto& wrong : cases) {
    Command command;
    command.argv = {"true"};
    wrong.spoil(command);
    const absl::Status error = ValidateCommand(command);
    const absl::Status told = InSpec(error);
    EXPECT_EQ(Field(told), absl::StrCat("spec.", wrong.field));
    EXPECT_TRUE(Has(v1::StartProcessRequest::descriptor(), Field(told))) << Field(told);
    EXPECT_EQ(told.code(), error.code());
    EXPECT_EQ(ErrorReason(told), ErrorReason(error));
    // The rest of the message stays.
    EXPECT_EQ(std::string(told.message()).substr(Field(told).size()),
              std::string(error.message()).substr(Field(error).size()));
    EXPECT_EQ(std::string(told.message()).find(absl::StrCat(Field(told), ": ")), 0u) << told;
  }
}

TEST(Field, OfASpawnThatFailedIsThatOfTheSpecification) {
  const absl::Status error =
      MakeError(absl::StatusCode::kFailedPrecondition, Reason::kLimitUnavailable,
                "cgroup: the server has no control group: turned off",
                {{"limit", "cgroup"}, {"field", "cgroup"}});
  EXPECT_EQ(InSpec(error).message(), "spec.cgroup: the server has no control group: turned off");
  EXPECT_EQ(ErrorVariables(InSpec(error)),
            (ErrorMetadata{{"limit", "cgroup"}, {"field", "spec.cgroup"}}));
}

TEST(Field, OfAnotherArgumentOfAStartStays) {
  const absl::Status reused =
      MakeError(absl::StatusCode::kAlreadyExists, Reason::kRequestIdReused,
                "request_id 'r' was used to start another command", {{"field", "request_id"}});
  EXPECT_EQ(InSpec(reused), reused);
  EXPECT_EQ(InSpec(absl::InternalError("x")), absl::InternalError("x"));
  EXPECT_TRUE(InSpec(absl::OkStatus()).ok());
}

TEST(Field, OfASpecificationIsNamedOnce) {
  v1::ProcessSpec spec;
  spec.add_argv("true");
  spec.mutable_output()->set_retain_bytes(1);
  const auto command = CommandFromProto(spec, OverflowPolicy::kDropOldest);
  EXPECT_EQ(command.status().message(), "spec.output.retain_bytes: is outside 4096 to 67108864");
  EXPECT_EQ(Field(command.status()), "spec.output.retain_bytes");
}

TEST(Field, OfAChangeIsThatOfTheUpdate) {
  Command command;
  command.argv = {"true"};
  ProcessChange change;
  change.retain_bytes = 1;
  EXPECT_EQ(Field(InUpdate(Changed(command, change).status())), "output.retain_bytes");
  change = {};
  change.labels["a b"] = "x";
  const absl::Status labels = InUpdate(Changed(command, change).status());
  EXPECT_EQ(Field(labels), "labels");
  for (const char* field : {"output.retain_bytes", "labels"}) {
    EXPECT_TRUE(Has(v1::UpdateProcessRequest::descriptor(), field)) << field;
  }
}

TEST(Field, OfTheLabelsOfASessionIsThatOfTheRequest) {
  v1::CreateSessionRequest request;
  (*request.mutable_labels())["a b"] = "x";
  EXPECT_EQ(Field(OptionsFromProto(request).status()), "labels");
}

}  // namespace
}  // namespace proctor::wire
