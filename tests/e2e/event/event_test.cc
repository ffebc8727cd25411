#include <set>

#include "absl/strings/str_cat.h"
#include "tests/e2e/harness/e2e_test.h"

namespace proctor {
namespace {

class EventE2e : public E2eTest {
 protected:
  using Stream = std::unique_ptr<grpc::ClientReader<v1::WatchEventsResponse>>;

  Stream Watch(grpc::ClientContext* context, const v1::WatchEventsRequest& request = {}) {
    return events_->WatchEvents(context, request);
  }

  static v1::Event NextEvent(Stream& stream) {
    v1::WatchEventsResponse response;
    while (stream->Read(&response)) {
      if (response.has_event()) return response.event();
    }
    ADD_FAILURE() << "the stream ended";
    return {};
  }
};

TEST_F(EventE2e, ResumesWhereItWasLeftAndMissesNothing) {
  grpc::ClientContext first_context;
  auto first = Watch(&first_context);
  v1::WatchEventsResponse response;
  ASSERT_TRUE(first->Read(&response));
  ASSERT_TRUE(response.has_bookmark());
  const std::string log_id = response.bookmark().position().log_id();
  Wait(Start(Spec("exit_with", {"1"})).process_id());
  uint64_t last = response.bookmark().position().sequence();
  for (int i = 0; i < 2; ++i) {
    const v1::Event event = NextEvent(first);
    EXPECT_EQ(event.sequence(), last + 1);
    last = event.sequence();
  }
  first_context.TryCancel();

  Wait(Start(Spec("exit_with", {"2"})).process_id());
  v1::WatchEventsRequest resume;
  resume.mutable_resume_after()->set_log_id(log_id);
  resume.mutable_resume_after()->set_sequence(last);
  grpc::ClientContext second_context;
  auto second = Watch(&second_context, resume);
  for (;;) {
    const v1::Event event = NextEvent(second);
    ASSERT_EQ(event.sequence(), last + 1);
    EXPECT_EQ(event.log_id(), log_id);
    last = event.sequence();
    if (event.has_process_exited() && event.process_exited().exit_status().exit_code() == 2) break;
  }
  second_context.TryCancel();
}

TEST_F(EventE2e, TheThreeWrongPositionsAreToldApart) {
  grpc::ClientContext info_context;
  v1::GetServerInfoResponse info;
  ASSERT_TRUE(info_->GetServerInfo(&info_context, {}, &info).ok());
  const auto error = [&](const std::string& log_id, uint64_t sequence) {
    v1::WatchEventsRequest request;
    request.mutable_resume_after()->set_log_id(log_id);
    request.mutable_resume_after()->set_sequence(sequence);
    grpc::ClientContext context;
    auto stream = Watch(&context, request);
    v1::WatchEventsResponse response;
    EXPECT_FALSE(stream->Read(&response));
    return Details(stream->Finish());
  };
  EXPECT_EQ(error("another", 0).code, grpc::ABORTED);
  EXPECT_EQ(error(info.last_event().log_id(), 1000000).code, grpc::INVALID_ARGUMENT);
  EXPECT_EQ(error(info.last_event().log_id(), 1000000).reason, "POSITION_IN_FUTURE");
}

TEST_F(EventE2e, BelowWhatIsKeptIsOutOfRange) {
  ServerProcess small({"--max-events=5"});
  auto channel = small.NewChannel();
  auto processes = v1::ProcessService::NewStub(channel);
  std::string log_id;
  for (int i = 0; i < 5; ++i) {
    grpc::ClientContext context;
    v1::StartProcessRequest request;
    *request.mutable_spec() = Spec("exit_with", {"0"});
    v1::StartProcessResponse response;
    ASSERT_TRUE(processes->StartProcess(&context, request, &response).ok());
  }
  grpc::ClientContext info_context;
  v1::GetServerInfoResponse info;
  ASSERT_TRUE(v1::ServerService::NewStub(channel)->GetServerInfo(&info_context, {}, &info).ok());
  v1::WatchEventsRequest request;
  request.mutable_resume_after()->set_log_id(info.last_event().log_id());
  grpc::ClientContext context;
  auto stream = v1::EventService::NewStub(channel)->WatchEvents(&context, request);
  v1::WatchEventsResponse response;
  EXPECT_FALSE(stream->Read(&response));
  const ErrorDetails details = Details(stream->Finish());
  EXPECT_EQ(details.code, grpc::OUT_OF_RANGE);
  EXPECT_EQ(details.reason, "EVENTS_EXPIRED");
  EXPECT_TRUE(details.metadata.count("first"));
  EXPECT_TRUE(details.metadata.count("last"));
}

TEST_F(EventE2e, FiltersByTypeSessionProcessAndLabel) {
  v1::WatchEventsRequest request;
  request.mutable_filter()->add_types(v1::EVENT_TYPE_PROCESS_EXITED);
  (*request.mutable_filter()->mutable_labels())["kind"] = "wanted";
  grpc::ClientContext context;
  auto stream = Watch(&context, request);
  v1::WatchEventsResponse response;
  ASSERT_TRUE(stream->Read(&response));  // the bookmark: the stream has everything after it
  Wait(Start(Spec("exit_with", {"1"})).process_id());
  v1::ProcessSpec spec = Spec("exit_with", {"2"});
  (*spec.mutable_labels())["kind"] = "wanted";
  const v1::Process process = Start(spec);
  const v1::Event event = NextEvent(stream);
  EXPECT_EQ(event.process_id(), process.process_id());
  EXPECT_EQ(event.process_exited().exit_status().exit_code(), 2);
  context.TryCancel();
}

TEST_F(EventE2e, ASnapshotComesFirstThenABookmarkThenChanges) {
  const v1::Process running = Start(Spec("wait_forever"));
  v1::WatchEventsRequest request;
  request.set_include_snapshot(true);
  grpc::ClientContext context;
  auto stream = Watch(&context, request);
  std::set<std::string> seen;
  v1::WatchEventsResponse response;
  while (stream->Read(&response) && response.has_snapshot()) {
    for (const auto& item : response.snapshot().items()) {
      seen.insert(item.has_session() ? item.session().session_id() : item.process().process_id());
    }
  }
  EXPECT_TRUE(response.has_bookmark());
  EXPECT_EQ(seen, (std::set<std::string>{running.session_id(), running.process_id()}));
  const v1::Process later = Start(Spec("exit_with", {"0"}));
  EXPECT_EQ(NextEvent(stream).process_id(), later.process_id());
  context.TryCancel();
}

}  // namespace
}  // namespace proctor
