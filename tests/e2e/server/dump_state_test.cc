// What an operator sees of a server in which something hangs.
#include <algorithm>
#include <thread>

#include "tests/core/spawn/leased_program.h"
#include "tests/e2e/harness/control.h"

namespace proctor {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class DumpStateE2e : public ControlE2e {
 protected:
  DumpStateE2e() : ControlE2e({"--spawn-timeout=60s"}) {}

  v1::DumpStateResponse Dump() {
    v1::DumpStateResponse response;
    const grpc::Status status =
        Call(*info_, &v1::ServerService::Stub::DumpState, v1::DumpStateRequest(), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  static const v1::StateSection* Find(const v1::DumpStateResponse& state, const std::string& name) {
    for (const auto& section : state.sections()) {
      if (section.name() == name) return &section;
    }
    ADD_FAILURE() << "no section " << name;
    return nullptr;
  }
};

TEST_F(DumpStateE2e, TellsOfTheWholeServer) {
  const v1::Process process = Start(Spec("wait_forever"));
  grpc::ClientContext context;
  const auto watch = events_->WatchEvents(&context, {});
  v1::WatchEventsResponse bookmark;
  ASSERT_TRUE(watch->Read(&bookmark));
  v1::DumpStateResponse state = Dump();
  const auto is_silent = [](const v1::StateSection& section) { return section.silent(); };
  // A busy machine may take more than a second to answer.
  while (std::any_of(state.sections().begin(), state.sections().end(), is_silent)) state = Dump();
  context.TryCancel();
  ASSERT_GE(state.sections_size(), 5);
  EXPECT_THAT(state.sections(0).text(), HasSubstr("pid: " + std::to_string(server_.pid())));
  EXPECT_THAT(Find(state, "main")->text(),
              AllOf(HasSubstr("event loop: running"), HasSubstr("descriptors, "),
                    ContainsRegex("listener .*proctord.sock: [0-9]+ connections")));
  EXPECT_THAT(Find(state, "events")->text(), HasSubstr("WatchEvents by "));
  EXPECT_THAT(Find(state, "session " + process.session_id())->text(),
              HasSubstr("process " + process.process_id() + ": running"));
}

TEST_F(DumpStateE2e, NamesASessionThatHangsInAStart) {
  v1::Session session, other;
  ASSERT_TRUE(Create({}, &session).ok());
  ASSERT_TRUE(Create({}, &other).ok());
  grpc::Status started;
  std::thread starter;
  {
    LeasedProgram program(PROCTOR_TEST_PROGRAMS "/exit_with", server_.state_dir() + "/leased");
    v1::ProcessSpec spec;
    spec.add_argv(program.path());
    starter = std::thread([&] {
      v1::Process process;
      started = TryStart(spec, session.session_id(), "", &process);
    });
    v1::DumpStateResponse state = Dump();
    while (!Find(state, "session " + session.session_id())->silent()) state = Dump();
    EXPECT_THAT(Find(state, "session " + session.session_id())->text(),
                ContainsRegex("^does not answer: its turn has lasted [0-9]"));
    EXPECT_NE(Find(state, "session " + other.session_id()), nullptr);
  }
  starter.join();  // the lease is given up, and the start goes on
  EXPECT_TRUE(started.ok()) << started.error_message();
}

}  // namespace
}  // namespace proctor
