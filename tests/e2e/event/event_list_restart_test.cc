#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/event/event_list.h"
#include "tests/e2e/event/event_load.h"
#include "tests/e2e/event/event_validators.h"

namespace proctor {
namespace {

// An event is byte for byte the same for a live subscriber, in a list at once, in a list when it is
// no longer in memory, and from the next servers.
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
    load.Append(5000, 1);  // more than the server keeps in memory
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
    // The token comes from the server before.
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
