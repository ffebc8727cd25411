#include "server/process/survivor_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/synchronization/notification.h"
#include "proctor/v1/process_service.grpc.pb.h"
#include "server/event/event_hub.h"
#include "tests/core/registry/survivor_fixture.h"
#include "tests/server/error_reason.h"
#include "tests/server/manual_loop.h"

namespace proctor::server {
namespace {

using ::testing::HasSubstr;

// A service whose WaitProcess is a call about survivors.
class SurvivorService final : public v1::ProcessService::CallbackService {
 public:
  SurvivorService(SessionRegistry* sessions, EventHub* hub) : sessions_(sessions), hub_(hub) {}

  // What the next call is about.
  std::shared_ptr<const ProcessInfo> info;
  SurvivorWish wish;
  absl::Notification* begun = nullptr;  // the call is on its way to the hub

  grpc::ServerUnaryReactor* WaitProcess(grpc::CallbackServerContext* context,
                                        const v1::WaitProcessRequest*,
                                        v1::WaitProcessResponse* response) override {
    wish.fill = [response](v1::Process process) {
      *response->mutable_process() = std::move(process);
    };
    auto* const call =
        NewSurvivorCall(CallLabel("WaitProcess", *context), sessions_, hub_, info, wish);
    begun->Notify();
    return call;
  }

 private:
  SessionRegistry* const sessions_;
  EventHub* const hub_;
};

// Calls about a process that was lost with its server and has one survivor, by a clock that is the
// test's.
class SurvivorCallTest : public SessionRestoreSurvivors {
 protected:
  struct Call {
    grpc::ClientContext context;
    v1::WaitProcessRequest request;
    v1::WaitProcessResponse response;
    grpc::Status status;
    absl::Notification begun, answered;

    const grpc::Status& Await() {
      answered.WaitForNotification();
      return status;
    }
  };

  void TearDown() override {
    if (hub_ != nullptr) {
      hub_->EndStreams();
      grpc_->Shutdown();
      grpc_->Wait();
    }
    hub_.reset();
    next_.reset();
    SessionRestoreSurvivors::TearDown();
  }

  // The next server takes over.
  void TakeOver(bool ignores_term = false) {
    const TemporaryDirectory* directory = nullptr;
    id_ = LoseWithSurvivor(&directory, ignores_term);
    next_ = Open(directory->path(), WithTrees());
    next_->Restore();
    loop_ = ManualLoop::Make();
    hub_ = EventHub::Start(&next_->events(), Meter::None(), loop_);
    service_ = std::make_unique<SurvivorService>(&next_->registry(), hub_.get());
    service_->info = std::make_shared<const ProcessInfo>(next_->Find(id_));
    grpc::ServerBuilder builder;
    builder.RegisterService(service_.get());
    grpc_ = builder.BuildAndStart();
    stub_ = v1::ProcessService::NewStub(grpc_->InProcessChannel({}));
  }

  // Begins a call; returns when the hub has begun it.
  void Begin(Call& call, SurvivorWish wish) {
    service_->wish = std::move(wish);
    service_->begun = &call.begun;
    stub_->async()->WaitProcess(&call.context, &call.request, &call.response,
                                [&call](grpc::Status status) {
                                  call.status = std::move(status);
                                  call.answered.Notify();
                                });
    call.begun.WaitForNotification();
    Advance(absl::ZeroDuration());
  }

  // Moves the clock of the hub.
  void Advance(absl::Duration by) {
    absl::Notification done;
    hub_->Post([&] {
      loop_->Advance(by);
      done.Notify();
    });
    done.WaitForNotification();
  }

  // The signals that the survivor was sent, by "me" and to the tree.
  std::vector<int> Signals() const {
    std::vector<int> signals;
    for (const auto& event : next_->EventsOf<ProcessSignalled>(id_)) {
      const auto& sent = std::get<ProcessSignalled>(event->detail);
      EXPECT_EQ(sent.scope, SignalScope::kTree);
      EXPECT_EQ(sent.requested_by, "me");
      signals.push_back(sent.signal);
    }
    return signals;
  }

  static SurvivorWish ToStop(absl::Duration grace, absl::Duration limit) {
    return {.stop = StopPolicy{.grace = grace, .scope = SignalScope::kTree},
            .by = "me",
            .limit = limit};
  }

  std::string id_;
  std::unique_ptr<Server> next_;
  std::shared_ptr<ManualLoop> loop_;
  std::unique_ptr<EventHub> hub_;
  std::unique_ptr<SurvivorService> service_;
  std::unique_ptr<grpc::Server> grpc_;
  std::unique_ptr<v1::ProcessService::Stub> stub_;
};

TEST_F(SurvivorCallTest, AWaitEndsWithTheLastSurvivor) {
  TakeOver();
  Call call;
  Begin(call, {.limit = absl::InfiniteDuration()});
  Advance(absl::Hours(1000));
  EXPECT_FALSE(call.answered.HasBeenNotified());
  EXPECT_EQ(EndSurvivor(), SIGKILL);
  EXPECT_TRUE(call.Await().ok()) << call.status.error_message();
  EXPECT_EQ(call.response.process().process_id(), id_);
  EXPECT_TRUE(call.response.process().tree_empty());
  EXPECT_TRUE(next_->Find(id_).tree_empty) << "it is on record";
  EXPECT_TRUE(Signals().empty());
}

TEST_F(SurvivorCallTest, AWaitGivesUpAtItsLimitAndSaysHowManyAreLeft) {
  TakeOver();
  Call call;
  Begin(call, {.limit = absl::Seconds(5)});
  Advance(absl::Seconds(4));
  EXPECT_FALSE(call.answered.HasBeenNotified());
  Advance(absl::Seconds(1));
  EXPECT_EQ(call.Await().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(ReasonIn(call.status), "WAIT_TIMEOUT");
  EXPECT_THAT(call.status.error_message(), HasSubstr("runs on (1)"));
}

TEST_F(SurvivorCallTest, AWaitForNoTimeOnlyLooks) {
  TakeOver();
  Call runs;
  Begin(runs, {.limit = absl::ZeroDuration()});
  EXPECT_EQ(ReasonIn(runs.Await()), "WAIT_TIMEOUT");
  EndSurvivor();
  Call ended;
  Begin(ended, {.limit = absl::ZeroDuration()});
  EXPECT_TRUE(ended.Await().ok()) << ended.status.error_message();
}

TEST_F(SurvivorCallTest, AStopKillsAfterItsGrace) {
  TakeOver(/*ignores_term=*/true);
  Call call;
  Begin(call, ToStop(absl::Seconds(3), absl::Seconds(13)));
  EXPECT_THAT(Signals(), ::testing::ElementsAre(SIGTERM));
  Advance(absl::Seconds(2));
  EXPECT_THAT(Signals(), ::testing::ElementsAre(SIGTERM));
  Advance(absl::Seconds(1));
  EXPECT_THAT(Signals(), ::testing::ElementsAre(SIGTERM, SIGKILL));
  EXPECT_TRUE(call.Await().ok()) << call.status.error_message();
}

TEST_F(SurvivorCallTest, AStopWithoutGraceKillsAtOnce) {
  TakeOver(/*ignores_term=*/true);
  Call call;
  Begin(call, ToStop(absl::ZeroDuration(), absl::Seconds(10)));
  EXPECT_TRUE(call.Await().ok()) << call.status.error_message();
  EXPECT_THAT(Signals(), ::testing::ElementsAre(SIGKILL));
}

TEST_F(SurvivorCallTest, AStopWakesWhatStandsStill) {
  TakeOver();
  ASSERT_EQ(::kill(survivor_, SIGSTOP), 0);
  ASSERT_EQ(::waitpid(survivor_, nullptr, WUNTRACED), survivor_);
  Call call;
  Begin(call, ToStop(absl::Hours(1), absl::Hours(2)));
  EXPECT_TRUE(call.Await().ok()) << call.status.error_message();
  EXPECT_EQ(EndSurvivor(), SIGTERM);
}

TEST_F(SurvivorCallTest, AStopGivesUpAtItsLimit) {
  TakeOver(/*ignores_term=*/true);
  Call call;
  Begin(call, ToStop(absl::Hours(1), absl::Seconds(5)));
  Advance(absl::Seconds(5));
  EXPECT_EQ(call.Await().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(ReasonIn(call.status), "STOP_TIMEOUT");
}

TEST_F(SurvivorCallTest, TheStepsOfAStopGoOnWithoutTheCaller) {
  TakeOver(/*ignores_term=*/true);
  Call call;
  Begin(call, ToStop(absl::Seconds(3), absl::Seconds(13)));
  call.context.TryCancel();
  EXPECT_EQ(call.Await().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(hub_->AwaitStreams(absl::InfiniteFuture())) << "the call is over";
  EXPECT_THAT(Signals(), ::testing::ElementsAre(SIGTERM));
  Advance(absl::Seconds(3));
  EXPECT_THAT(Signals(), ::testing::ElementsAre(SIGTERM, SIGKILL));
}

TEST_F(SurvivorCallTest, TheEndOfTheServerLeavesWhatRuns) {
  TakeOver();
  Call waiting;
  Begin(waiting, {.limit = absl::InfiniteDuration()});
  hub_->EndStreams();
  EXPECT_EQ(waiting.Await().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonIn(waiting.status), "SERVER_DRAINING");
  Call late;
  Begin(late, ToStop(absl::ZeroDuration(), absl::Seconds(10)));
  EXPECT_EQ(ReasonIn(late.Await()), "SERVER_DRAINING");
  EXPECT_TRUE(Signals().empty());
  EXPECT_EQ(LookAt(*next_, id_).survivors, 1u);
}

TEST_F(SurvivorCallTest, AProcessThatIsForgottenMeanwhileIsNotFound) {
  TakeOver();
  Call call;
  Begin(call, {.limit = absl::InfiniteDuration()});
  next_->registry().ForgetProcess(*service_->info, RemovalReason::kClientRequest);
  EndSurvivor();
  EXPECT_EQ(call.Await().error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonIn(call.status), "PROCESS_NOT_FOUND");
}

}  // namespace
}  // namespace proctor::server
