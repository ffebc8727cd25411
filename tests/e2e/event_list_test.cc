#include <signal.h>
#include <stdlib.h>

#include <filesystem>
#include <functional>
#include <set>

#include "absl/strings/str_cat.h"
#include "tests/e2e/event_load.h"
#include "tests/e2e/event_validators.h"
#include "tests/e2e/server_process.h"

namespace proctor {
namespace {

class EventListE2e : public E2eTest {
 protected:
  explicit EventListE2e(const std::vector<std::string>& flags = {}) : E2eTest(flags) {}

  static grpc::Status List(v1::EventService::Stub& events, const v1::ListEventsRequest& request,
                           v1::ListEventsResponse* response) {
    grpc::ClientContext context;
    response->Clear();
    return events.ListEvents(&context, request, response);
  }
  v1::ListEventsResponse List(const v1::ListEventsRequest& request) {
    v1::ListEventsResponse response;
    const grpc::Status status = List(*events_, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  ErrorDetails Error(const v1::ListEventsRequest& request) {
    v1::ListEventsResponse response;
    return Details(List(*events_, request, &response));
  }

  // All pages, joined. None is longer than was asked for.
  std::vector<v1::Event> ListAll(v1::ListEventsRequest request, int* pages = nullptr) {
    std::vector<v1::Event> events;
    do {
      const v1::ListEventsResponse response = List(request);
      EXPECT_LE(response.events_size(), request.page_size());
      events.insert(events.end(), response.events().begin(), response.events().end());
      request.set_page_token(response.next_page_token());
      if (pages != nullptr) ++*pages;
    } while (!request.page_token().empty() && !HasFailure());
    return events;
  }

  static v1::GetServerInfoResponse Info(v1::ServerService::Stub& stub) {
    grpc::ClientContext context;
    v1::GetServerInfoResponse info;
    EXPECT_TRUE(stub.GetServerInfo(&context, {}, &info).ok());
    return info;
  }
  v1::EventPosition LastPosition() { return Info(*info_).last_event(); }

  static v1::ListEventsRequest PagesOf(int size) {
    v1::ListEventsRequest request;
    request.set_page_size(size);
    return request;
  }

  static std::vector<std::string> BytesOfAll(const std::vector<v1::Event>& events) {
    std::vector<std::string> bytes;
    for (const v1::Event& event : events) bytes.push_back(BytesOf(event));
    return bytes;
  }

  // Things of every kind, so that there are events of most.
  void MakeVariety() {
    v1::CreateSessionRequest create;
    (*create.mutable_labels())["team"] = "a";
    create.mutable_lease()->set_seconds(3600);
    create.set_watcher("threaded");
    create.mutable_quota()->set_max_running_processes(5);
    grpc::ClientContext create_context;
    v1::CreateSessionResponse created;
    ASSERT_TRUE(sessions_->CreateSession(&create_context, create, &created).ok());
    const std::string session = created.session().session_id();

    v1::ProcessSpec spec = Spec("exit_with", {"3"});
    (*spec.mutable_labels())["b"] = "2";
    (*spec.mutable_labels())["a"] = "1";
    const v1::Process ended = Start(spec, session);
    Wait(ended.process_id());
    const v1::Process running = Start(Spec("wait_forever"), session);
    Update(running.process_id());
    Update(ended.process_id());
    Wait(Start(Spec("kill_self", {"15"}), session).process_id());
    Wait(Start(Spec("spew", {"5000", "10"})).process_id());
    grpc::ClientContext signal_context;
    v1::SignalProcessRequest signal;
    signal.set_process_id(running.process_id());
    signal.set_signal("KILL");
    signal.set_scope(v1::SIGNAL_SCOPE_GROUP);
    v1::SignalProcessResponse signalled;
    ASSERT_TRUE(processes_->SignalProcess(&signal_context, signal, &signalled).ok());
    Wait(running.process_id());
    grpc::ClientContext remove_context;
    v1::RemoveProcessRequest remove;
    remove.set_process_id(ended.process_id());
    v1::RemoveProcessResponse removed;
    ASSERT_TRUE(processes_->RemoveProcess(&remove_context, remove, &removed).ok());
    grpc::ClientContext close_context;
    v1::CloseSessionRequest close;
    close.set_session_id(session);
    v1::CloseSessionResponse closed;
    ASSERT_TRUE(sessions_->CloseSession(&close_context, close, &closed).ok());
  }

  void Update(const std::string& process_id) {
    grpc::ClientContext context;
    v1::UpdateProcessRequest request;
    request.set_process_id(process_id);
    (*request.mutable_labels())["c"] = "3";
    request.mutable_output()->set_retain_bytes(8192);
    v1::UpdateProcessResponse response;
    ASSERT_TRUE(processes_->UpdateProcess(&context, request, &response).ok());
  }
};

TEST_F(EventListE2e, PagesJoinToTheWholeWhateverTheirSize) {
  EventLoad load(server_, 3);
  load.Append(50, 3);
  const std::vector<v1::Event> all = ListAll(PagesOf(1000));
  ASSERT_EQ(all.back().sequence(), LastPosition().sequence());
  ASSERT_EQ(all.front().sequence(), 1u);
  for (size_t i = 1; i < all.size(); ++i) EXPECT_EQ(all[i].sequence(), all[i - 1].sequence() + 1);
  for (const int size : {1, 7, static_cast<int>(all.size())}) {
    int pages = 0;
    EXPECT_EQ(BytesOfAll(ListAll(PagesOf(size), &pages)), BytesOfAll(all)) << size;
    EXPECT_EQ(pages, (static_cast<int>(all.size()) + size - 1) / size);
  }
}

// Pages that were begun go on with what came since.
TEST_F(EventListE2e, WhatHappensBetweenTwoPagesIsOnTheNext) {
  EventLoad load(server_, 2);
  load.Append(10, 2);
  v1::ListEventsRequest request = PagesOf(5);
  const v1::ListEventsResponse first = List(request);
  ASSERT_FALSE(first.next_page_token().empty());
  load.Append(10, 2);
  request.set_page_token(first.next_page_token());
  const std::vector<v1::Event> rest = ListAll(request);
  EXPECT_EQ(rest.front().sequence(), first.events(4).sequence() + 1);
  EXPECT_EQ(rest.back().sequence(), LastPosition().sequence());
}

TEST_F(EventListE2e, AfterAPositionComesTheNext) {
  EventLoad load(server_, 2);
  load.Append(20, 2);
  v1::ListEventsRequest request = PagesOf(6);
  *request.mutable_after() = LastPosition();
  EXPECT_TRUE(ListAll(request).empty());
  request.mutable_after()->set_sequence(request.after().sequence() - 15);
  const std::vector<v1::Event> events = ListAll(request);
  ASSERT_EQ(events.size(), 15u);
  EXPECT_EQ(events.front().sequence(), request.after().sequence() + 1);
  request.mutable_after()->set_sequence(0);
  EXPECT_EQ(ListAll(request).size(), LastPosition().sequence());
}

TEST_F(EventListE2e, AFilterListsWhatPassesIt) {
  EventLoad load(server_, 4);
  load.Append(60, 4);
  MakeVariety();
  const EventRecord record = EventRecord::Read(*events_);
  const auto expect = [&](const std::function<void(v1::EventFilter&)>& narrow, size_t least) {
    v1::ListEventsRequest request = PagesOf(7);
    narrow(*request.mutable_filter());
    std::vector<std::string> expected;
    for (const v1::Event& event : record.events) {
      if (IsWanted(request.filter(), event)) expected.push_back(BytesOf(event));
    }
    EXPECT_GE(expected.size(), least) << request.ShortDebugString();
    EXPECT_EQ(BytesOfAll(ListAll(request)), expected) << request.ShortDebugString();
  };
  expect([&](v1::EventFilter& filter) { filter.add_process_ids(load.process_ids()[1]); }, 16);
  expect(
      [&](v1::EventFilter& filter) {
        filter.add_process_ids(load.process_ids()[1]);
        filter.add_process_ids(load.process_ids()[2]);
        filter.add_types(v1::EVENT_TYPE_PROCESS_STARTED);
      },
      2);
  expect([&](v1::EventFilter& filter) { filter.add_session_ids(load.session_ids()[0]); }, 33);
  expect([&](v1::EventFilter& filter) { filter.add_types(v1::EVENT_TYPE_PROCESS_EXITED); }, 4);
  expect([&](v1::EventFilter& filter) { (*filter.mutable_labels())["parity"] = "odd"; }, 32);
  expect([&](v1::EventFilter& filter) { (*filter.mutable_labels())["team"] = "a"; }, 2);
  expect(
      [&](v1::EventFilter& filter) {
        (*filter.mutable_labels())["a"] = "1";
        (*filter.mutable_labels())["b"] = "2";
      },
      2);
  expect([&](v1::EventFilter& filter) { filter.add_process_ids("nobody"); }, 0);
}

TEST_F(EventListE2e, APageHasAHundredWhereNothingIsAskedForAndAThousandAtMost) {
  EventLoad load(server_, 2);
  load.Append(1200, 2);
  EXPECT_EQ(List(PagesOf(0)).events_size(), 100);
  EXPECT_EQ(List(PagesOf(1000)).events_size(), 1000);
  EXPECT_EQ(List(PagesOf(1001)).events_size(), 1000);
  EXPECT_EQ(List(PagesOf(2147483647)).events_size(), 1000);
  const ErrorDetails details = Error(PagesOf(-1));
  EXPECT_EQ(details.code, grpc::INVALID_ARGUMENT);
  EXPECT_EQ(details.reason, "INVALID_FIELD");
  EXPECT_EQ(details.metadata.at("field"), "page_size");
}

TEST_F(EventListE2e, ATokenServesOnlyTheListThatItIsOf) {
  EventLoad load(server_, 2);
  load.Append(20, 2);
  v1::ListEventsRequest request = PagesOf(5);
  request.mutable_filter()->add_types(v1::EVENT_TYPE_PROCESS_SIGNALLED);
  const std::string token = List(request).next_page_token();
  ASSERT_FALSE(token.empty());
  request.set_page_token(token);
  request.set_page_size(3);  // another size is no other list
  EXPECT_EQ(List(request).events_size(), 3);

  const auto expect_refused = [&](const v1::ListEventsRequest& other) {
    const ErrorDetails details = Error(other);
    EXPECT_EQ(details.code, grpc::INVALID_ARGUMENT) << other.ShortDebugString();
    EXPECT_EQ(details.reason, "INVALID_FIELD");
    EXPECT_EQ(details.metadata.at("field"), "page_token");
  };
  v1::ListEventsRequest other = request;
  other.mutable_filter()->add_process_ids(load.process_ids()[0]);
  expect_refused(other);
  other = request;
  *other.mutable_after() = LastPosition();
  expect_refused(other);
  for (const char* forged : {"x", "AAAA", "MTo1OjU="}) {
    other = request;
    other.set_page_token(forged);
    expect_refused(other);
  }
  // Nor the same list of another server.
  ServerProcess second;
  v1::ListEventsResponse response;
  const grpc::Status status =
      List(*v1::EventService::NewStub(second.NewChannel()), request, &response);
  EXPECT_EQ(Details(status).code, grpc::INVALID_ARGUMENT);
  EXPECT_EQ(Details(status).metadata.at("field"), "page_token");
}

TEST_F(EventListE2e, TheWrongPositionsAreToldApart) {
  EventLoad load(server_, 1);
  const v1::EventPosition last = LastPosition();
  v1::ListEventsRequest request;
  *request.mutable_after() = last;
  request.mutable_after()->set_log_id("another");
  ErrorDetails details = Error(request);
  EXPECT_EQ(details.code, grpc::ABORTED);
  EXPECT_EQ(details.reason, "LOG_CHANGED");
  EXPECT_EQ(details.metadata["log_id"], last.log_id());

  *request.mutable_after() = last;
  request.mutable_after()->set_sequence(last.sequence() + 1);
  details = Error(request);
  EXPECT_EQ(details.code, grpc::INVALID_ARGUMENT);
  EXPECT_EQ(details.reason, "POSITION_IN_FUTURE");

  *request.mutable_after() = last;
  request.mutable_filter()->add_types(v1::EVENT_TYPE_UNSPECIFIED);
  details = Error(request);
  EXPECT_EQ(details.code, grpc::INVALID_ARGUMENT);
  EXPECT_EQ(details.metadata["field"], "filter.types");
}

// A message has to stay below what gRPC's clients take, 4 MiB, also where events are large.
TEST_F(EventListE2e, APageOfLargeEventsIsShorterThanAskedFor) {
  v1::ProcessSpec spec = Spec("exit_with", {"0"});
  for (int i = 0; i < 10; ++i) spec.add_argv(std::string(100000, 'x'));
  for (int i = 0; i < 8; ++i) Wait(Start(spec).process_id());
  auto plain = v1::EventService::NewStub(
      grpc::CreateChannel(server_.target(), grpc::InsecureChannelCredentials()));
  v1::ListEventsRequest request = PagesOf(1000);
  size_t starts = 0;
  do {
    v1::ListEventsResponse response;
    const grpc::Status status = List(*plain, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    for (const v1::Event& event : response.events()) starts += event.has_process_started();
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(starts, 8u);
}

class SmallEventListE2e : public EventListE2e {
 protected:
  SmallEventListE2e() : EventListE2e({"--max-events=100"}) {}
};

TEST_F(SmallEventListE2e, WhatIsNotKeptIsNotListedAndAPositionBelowItIsToldSo) {
  EventLoad load(server_, 2);
  load.Append(20, 2);
  v1::ListEventsRequest old_page = PagesOf(5);
  const v1::ListEventsResponse first_page = List(old_page);
  EXPECT_EQ(first_page.events(0).sequence(), 1u);
  old_page.set_page_token(first_page.next_page_token());

  load.Append(500, 2);
  const v1::GetServerInfoResponse info = Info(*info_);
  const std::vector<v1::Event> kept = ListAll(PagesOf(1000));
  EXPECT_EQ(kept.front().sequence(), info.event_log().first_sequence());
  EXPECT_EQ(kept.back().sequence(), info.last_event().sequence());
  EXPECT_GE(kept.size(), 100u);
  EXPECT_LE(kept.size(), 101u);  // it drops some at a time: a 64th

  v1::ListEventsRequest at_edge = PagesOf(1000);
  *at_edge.mutable_after() = info.last_event();
  at_edge.mutable_after()->set_sequence(kept.front().sequence() - 1);
  EXPECT_EQ(ListAll(at_edge).size(), kept.size());
  v1::ListEventsRequest below = at_edge;
  below.mutable_after()->set_sequence(kept.front().sequence() - 2);
  for (const v1::ListEventsRequest& request : {below, old_page}) {
    ErrorDetails details = Error(request);
    EXPECT_EQ(details.code, grpc::OUT_OF_RANGE);
    EXPECT_EQ(details.reason, "EVENTS_EXPIRED");
    EXPECT_EQ(details.metadata["first"], absl::StrCat(kept.front().sequence()));
    EXPECT_EQ(details.metadata["last"], absl::StrCat(kept.back().sequence()));
  }
}

// More than the server goes through for one page.
TEST_F(EventListE2e, AFilterThatPassesOverMuchGivesPartialPages) {
  constexpr int kMany = 25000;
  EventLoad load(server_, 2);
  load.Append(kMany, 1);
  load.Append(20, 2);
  v1::ListEventsRequest request = PagesOf(50);
  request.mutable_filter()->add_process_ids(load.process_ids()[1]);
  request.mutable_filter()->add_types(v1::EVENT_TYPE_PROCESS_SIGNALLED);
  const v1::ListEventsResponse first = List(request);
  EXPECT_EQ(first.events_size(), 0);
  EXPECT_FALSE(first.next_page_token().empty());
  EXPECT_EQ(ListAll(request).size(), 10u);
}

// What a subscriber was told when it happened, what the list says at once, what it says when
// the event is no longer in memory, and what the next servers say: byte for byte the same.
TEST(EventListRestartE2e, WhatIsListedDoesNotChangeAlsoNotByARestart) {
  char name[] = "/tmp/proctor-e2e-XXXXXX";
  const std::string directory = ::mkdtemp(name);
  const std::vector<std::string> flags = {absl::StrCat("--state-dir=", directory, "/state")};
  struct Run : EventListE2e {
    explicit Run(const std::vector<std::string>& flags) : EventListE2e(flags) {}
    void TestBody() override {}
    using EventListE2e::MakeVariety;
    v1::EventService::Stub& events() { return *events_; }
    ServerProcess& server() { return server_; }
    v1::EventPosition last() { return LastPosition(); }
  };
  EventHistory live;
  std::string log_id;
  EventRecord before;
  std::string first_page_token;
  v1::ListEventsRequest pages;
  pages.set_page_size(3);
  const auto list_page = [&](v1::EventService::Stub& events) {
    grpc::ClientContext context;
    v1::ListEventsResponse response;
    const grpc::Status status = events.ListEvents(&context, pages, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  };
  {
    Run run(flags);
    grpc::ClientContext context;
    auto stream = run.events().WatchEvents(&context, live.BeginStream());
    v1::WatchEventsResponse response;
    ASSERT_TRUE(stream->Read(&response));
    live.Add(response);
    run.MakeVariety();
    const v1::EventPosition last = run.last();
    log_id = last.log_id();
    while (live.entries.back().sequence < last.sequence() && stream->Read(&response)) {
      live.Add(response);
    }
    context.TryCancel();
    std::set<int> types;
    before = EventRecord::Read(run.events());
    for (const v1::Event& event : before.events) types.insert(event.type());
    EXPECT_GE(types.size(), 8u);
    EXPECT_EQ(CheckHistory(live, before), "") << "at once";
    EventLoad load(run.server(), 1);
    load.Append(5000, 1);  // more than are kept in memory
    const EventRecord later = EventRecord::Read(run.events());
    EXPECT_EQ(CheckHistory(live, later), "") << "no longer in memory";
    before = later;
    pages.set_page_token(list_page(run.events()).next_page_token());
  }
  {
    Run run(flags);
    EXPECT_EQ(run.last().log_id(), log_id);
    const EventRecord after = EventRecord::Read(run.events());
    EXPECT_EQ(CheckHistory(live, after), "") << "after a restart";
    ASSERT_GT(after.bytes.size(), before.bytes.size());
    EXPECT_TRUE(std::equal(before.bytes.begin(), before.bytes.end(), after.bytes.begin()));
    before = after;
    // A page that the server before had begun.
    EXPECT_EQ(list_page(run.events()).events(0).sequence(), 4u);
    grpc::ClientContext context;
    auto stream = run.events().WatchEvents(&context, live.BeginStream());
    v1::WatchEventsResponse response;
    while (live.entries.back().sequence < after.last() && stream->Read(&response)) {
      live.Add(response);
    }
    context.TryCancel();
    EXPECT_EQ(CheckHistory(live, after), "") << "resumed after a restart";
    run.MakeVariety();
    before = EventRecord::Read(run.events());
    EXPECT_EQ(run.server().End(SIGKILL), -SIGKILL);
  }
  {
    Run run(flags);
    EXPECT_EQ(run.last().log_id(), log_id);
    const EventRecord after = EventRecord::Read(run.events());
    ASSERT_GE(after.bytes.size(), before.bytes.size());
    EXPECT_TRUE(std::equal(before.bytes.begin(), before.bytes.end(), after.bytes.begin()))
        << "after a server was killed";
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace proctor
