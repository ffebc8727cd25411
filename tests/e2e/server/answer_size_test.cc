#include <set>

#include "absl/strings/str_cat.h"
#include "tests/e2e/harness/control.h"

namespace proctor {
namespace {

constexpr size_t kMostAnswerBytes = 1 << 20;

// A caller chooses how large a specification is, and other callers do not pay for it: answers about
// many processes stay small, and so does every single one. The channel takes 4 MiB, gRPC's default.
class AnswerSizeE2e : public ControlE2e {
 protected:
  using ControlE2e::ControlE2e;

  // Arguments of 1.4 MB and names of variables of 200 kB: nearly the kernel's limit.
  static v1::ProcessSpec Large(const std::string& program = "exit_with") {
    v1::ProcessSpec spec = Spec(program, {"0"});
    for (int i = 0; i < 14; ++i) spec.add_argv(std::string(100000, 'x'));
    for (int i = 0; i < 20; ++i)
      (*spec.mutable_env())[absl::StrCat("V", i, std::string(9999, 'v'))];
    return spec;
  }

  static void ExpectSmall(const google::protobuf::Message& message) {
    EXPECT_LE(message.ByteSizeLong(), kMostAnswerBytes) << message.GetTypeName();
  }

  static void ExpectShortened(const v1::Process& process) {
    EXPECT_LT(process.ByteSizeLong(), 32u << 10);
    EXPECT_GT(process.spec_omitted().arguments(), 10u);
    EXPECT_GT(process.spec_omitted().variables(), 10u);
    EXPECT_GT(process.spec_omitted().bytes(), 1u << 20);
  }
};

TEST_F(AnswerSizeE2e, ListsEventsAndSnapshotsShortenASpecification) {
  constexpr int kProcesses = 8;
  for (int i = 0; i < kProcesses; ++i) {
    const v1::Process started = Start(Large());
    ExpectShortened(started);
    ExpectShortened(Wait(started.process_id()));
  }
  v1::ListProcessesResponse list;
  ASSERT_TRUE(Call(*processes_, &Processes::ListProcesses, {}, &list).ok());
  ExpectSmall(list);
  ASSERT_EQ(list.processes_size(), kProcesses);
  for (const v1::Process& process : list.processes()) ExpectShortened(process);

  v1::ListEventsResponse events;
  ASSERT_TRUE(Call(*events_, &v1::EventService::Stub::ListEvents, {}, &events).ok());
  ExpectSmall(events);
  int starts = 0;
  for (const v1::Event& event : events.events()) {
    if (!event.has_process_started()) continue;
    ++starts;
    EXPECT_GT(event.process_started().process().spec_omitted().arguments(), 10u);
    EXPECT_LT(event.ByteSizeLong(), 16u << 10);
  }
  EXPECT_EQ(starts, kProcesses);

  v1::WatchEventsRequest request;
  request.set_include_snapshot(true);
  grpc::ClientContext context;
  auto stream = events_->WatchEvents(&context, request);
  v1::WatchEventsResponse response;
  int items = 0;
  while (stream->Read(&response) && response.has_snapshot()) {
    ExpectSmall(response);
    items += response.snapshot().items_size();
  }
  EXPECT_TRUE(response.has_bookmark());
  EXPECT_EQ(items, kProcesses + 1) << "and their session";
  context.TryCancel();
}

TEST_F(AnswerSizeE2e, GetProcessTellsAllOfItInPages) {
  const v1::ProcessSpec spec = Large();
  v1::GetProcessRequest request;
  request.set_process_id(Start(spec).process_id());
  v1::Process whole;
  int pages = 0;
  do {
    v1::GetProcessResponse page;
    ASSERT_TRUE(Call(*processes_, &Processes::GetProcess, request, &page).ok());
    ExpectSmall(page);
    EXPECT_EQ(page.process().has_spec_omitted(), !page.next_page_token().empty());
    whole.MergeFrom(page.process());
    request.set_page_token(page.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_GT(pages, 1);
  ASSERT_EQ(whole.spec().argv_size(), spec.argv_size());
  for (int i = 0; i < spec.argv_size(); ++i) EXPECT_EQ(whole.spec().argv(i), spec.argv(i)) << i;
  EXPECT_EQ(whole.spec().env_size(), spec.env_size());

  request.set_page_token("nonsense");
  v1::GetProcessResponse page;
  EXPECT_EQ(Details(Call(*processes_, &Processes::GetProcess, request, &page)).reason,
            "INVALID_FIELD");
}

TEST_F(AnswerSizeE2e, APageEndsAtOneMebibyteAndTheNextGoesOn) {
  // Each has 20 kB of labels.
  constexpr int kProcesses = 120;
  v1::ProcessSpec spec = Spec("exit_with", {"0"});
  v1::CreateSessionRequest create;
  for (int i = 0; i < 64; ++i) {
    (*spec.mutable_labels())[absl::StrCat("key", i)] = std::string(255, 'v');
    (*create.mutable_labels())[absl::StrCat("key", i)] = std::string(255, 'v');
  }
  std::set<std::string> started, listed, opened, sessions;
  for (int i = 0; i < kProcesses; ++i) {
    started.insert(Start(spec).process_id());
    v1::Session session;
    ASSERT_TRUE(Create(create, &session).ok());
    opened.insert(session.session_id());
  }
  v1::ListProcessesRequest list;
  list.set_page_size(1000);
  int pages = 0;
  do {
    v1::ListProcessesResponse page;
    ASSERT_TRUE(Call(*processes_, &Processes::ListProcesses, list, &page).ok());
    ExpectSmall(page);
    for (const auto& process : page.processes()) listed.insert(process.process_id());
    list.set_page_token(page.next_page_token());
    ++pages;
  } while (!list.page_token().empty());
  EXPECT_GT(pages, 1);
  EXPECT_EQ(listed, started);

  v1::ListSessionsRequest list_sessions;
  list_sessions.set_page_size(1000);
  (*list_sessions.mutable_labels())["key0"] = std::string(255, 'v');
  pages = 0;
  do {
    v1::ListSessionsResponse page;
    ASSERT_TRUE(Call(*sessions_, &Sessions::ListSessions, list_sessions, &page).ok());
    ExpectSmall(page);
    for (const auto& session : page.sessions()) sessions.insert(session.session_id());
    list_sessions.set_page_token(page.next_page_token());
    ++pages;
  } while (!list_sessions.page_token().empty());
  EXPECT_GT(pages, 1);
  EXPECT_EQ(sessions, opened);

  v1::ListEventsRequest list_events;
  list_events.set_page_size(1000);
  uint64_t last = 0;
  do {
    v1::ListEventsResponse page;
    ASSERT_TRUE(Call(*events_, &v1::EventService::Stub::ListEvents, list_events, &page).ok());
    ExpectSmall(page);
    for (const auto& event : page.events()) EXPECT_EQ(event.sequence(), ++last);
    list_events.set_page_token(page.next_page_token());
  } while (!list_events.page_token().empty());
  EXPECT_GE(last, 3u * kProcesses);
}

class MemoryE2e : public AnswerSizeE2e {
 protected:
  static constexpr uint64_t kBudget = 16 << 20;

  MemoryE2e() : AnswerSizeE2e({"--max-memory=16M"}) {}

  v1::GetServerInfoResponse Info() {
    v1::GetServerInfoResponse info;
    EXPECT_TRUE(
        Call(*info_, &v1::ServerService::Stub::GetServerInfo, v1::GetServerInfoRequest(), &info)
            .ok());
    return info;
  }
};

TEST_F(MemoryE2e, AStartBeyondTheBudgetIsRefusedUntilSomethingIsRemoved) {
  EXPECT_EQ(Info().limits().max_memory_bytes(), kBudget);
  EXPECT_EQ(Info().memory_bytes(), 0u);
  v1::ProcessSpec spec = Large();
  spec.mutable_output()->set_retain_bytes(4096);
  std::vector<std::string> started;
  grpc::Status status;
  while (true) {
    v1::Process process;
    status = TryStart(spec, "", "", &process);
    if (!status.ok()) break;
    started.push_back(process.process_id());
    Wait(process.process_id());
    ASSERT_LE(Info().memory_bytes(), kBudget);
  }
  EXPECT_EQ(status.error_code(), grpc::RESOURCE_EXHAUSTED) << status.error_message();
  const ErrorDetails details = Details(status);
  EXPECT_EQ(details.reason, "QUOTA_EXCEEDED");
  EXPECT_EQ(details.metadata.at("quota"), "memory");
  EXPECT_EQ(details.metadata.at("limit"), absl::StrCat(kBudget));
  EXPECT_GE(started.size(), 5u);
  EXPECT_LE(started.size(), 11u);

  ASSERT_TRUE(Remove(started[0]).ok());
  v1::Process process;
  EXPECT_TRUE(TryStart(spec, "", "", &process).ok());
  Wait(process.process_id());
  started[0] = process.process_id();
  for (const std::string& id : started) ASSERT_TRUE(Remove(id).ok());
  EXPECT_EQ(Info().memory_bytes(), 0u);
}

TEST_F(MemoryE2e, OutputCountsAsItMayBeKeptAndAClosedSessionsNoMore) {
  v1::Session session;
  ASSERT_TRUE(Create({}, &session).ok());
  v1::ProcessSpec spec = Spec("wait_forever");
  spec.mutable_output()->set_retain_bytes(10 << 20);
  v1::Process process;
  ASSERT_TRUE(TryStart(spec, session.session_id(), "", &process).ok());
  EXPECT_GE(Info().memory_bytes(), 10u << 20);
  EXPECT_EQ(Details(TryStart(spec, "", "", &process)).metadata["quota"], "memory");
  v1::UpdateProcessRequest update;
  update.set_process_id(process.process_id());
  v1::ProcessSpec small = Spec("wait_forever");
  small.mutable_output()->set_retain_bytes(4096);
  ASSERT_TRUE(TryStart(small, session.session_id(), "", &process).ok());
  update.set_process_id(process.process_id());
  update.mutable_output()->set_retain_bytes(10 << 20);
  v1::UpdateProcessResponse updated;
  EXPECT_EQ(
      Details(Call(*processes_, &Processes::UpdateProcess, update, &updated)).metadata["quota"],
      "memory");
  CloseSession(session.session_id());
  EXPECT_TRUE(TryStart(spec, "", "", &process).ok());
}

}  // namespace
}  // namespace proctor
