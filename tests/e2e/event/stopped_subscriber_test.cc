// A subscriber that does not read at all, among many that do.

#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/e2e/event/event_load.h"
#include "tests/e2e/event/event_validators.h"
#include "tests/e2e/event/subscriber_process.h"
#include "tests/e2e/harness/e2e_test.h"

namespace proctor {
namespace {

constexpr int kProcesses = 4;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kOthers = 9;
#else
constexpr int kOthers = 49;
#endif
// More than the socket's buffer and gRPC's window hold. After that a write to the stopped one is
// under way.
constexpr int kFill = 4000;
// The server gives a write 20 s, and checks every second.
constexpr absl::Duration kCutOff = absl::Seconds(23);

// Events per second. PROCTOR_TEST_RATE overrides it. 1000 keep two processors busy.
int Rate() {
  if (const char* text = std::getenv("PROCTOR_TEST_RATE")) return std::atoi(text);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return 50;
#else
  return 200;
#endif
}

class StoppedSubscriberE2e : public E2eTest {
 protected:
  StoppedSubscriberE2e() : E2eTest({"--max-events=1000000"}) {}

  // Reads up to the load's last event or the server's end. Returns any other reason for the end.
  static std::string Follow(v1::EventService::Stub& events, const std::string& ends_with,
                            EventHistory& history) {
    grpc::ClientContext context;
    auto stream = events.WatchEvents(&context, history.BeginStream());
    v1::WatchEventsResponse response;
    while (stream->Read(&response)) {
      history.Add(response);
      if (IsEnd(response, ends_with)) context.TryCancel();
    }
    const grpc::Status status = stream->Finish();
    return status.error_code() == grpc::CANCELLED ? "" : status.error_message();
  }

  static bool IsEnd(const v1::WatchEventsResponse& response, const std::string& ends_with) {
    return response.event().process_id() == ends_with && EventLoad::IsLast(response.event());
  }
};

TEST_F(StoppedSubscriberE2e, IsCutOffAndResumesAndTheOthersGetEverything) {
  EventLoad load(server_, kProcesses);
  const std::string& ends_with = load.process_ids().back();
  grpc::ClientContext context;
  v1::GetServerInfoResponse info;
  ASSERT_TRUE(info_->GetServerInfo(&context, {}, &info).ok());

  EventHistory stopped_history;
  SubscriberProcess stopped(server_.target(), stopped_history.BeginStream());
  v1::WatchEventsResponse response;
  ASSERT_TRUE(stopped.Read(&response));  // the stream has begun
  stopped_history.Add(response);

  std::vector<EventHistory> histories(kOthers, EventHistory::After(info.last_event()));
  std::vector<std::string> ends(kOthers);
  // The channels end one after the other, here: gRPC's may not end on several threads at once.
  std::vector<std::shared_ptr<grpc::Channel>> channels(kOthers);
  for (auto& channel : channels) channel = server_.NewChannel();
  std::vector<std::thread> threads;
  for (int i = 0; i < kOthers; ++i) {
    threads.emplace_back([&, i] {
      auto events = v1::EventService::NewStub(channels[i]);
      ends[i] = Follow(*events, ends_with, histories[i]);
    });
  }

  grpc::ClientContext filling_context;
  auto filling = events_->WatchEvents(&filling_context, v1::WatchEventsRequest());
  ASSERT_TRUE(filling->Read(&response));
  stopped.Signal(SIGSTOP);
  load.Append(kFill, kProcesses);
  // The server serves subscribers in turn. When this one has everything, the server has also
  // written all that it can to the stopped one.
  for (int got = 0; got < kFill && filling->Read(&response);) got += response.has_event() ? 1 : 0;
  filling_context.TryCancel();
  const absl::Time filled = absl::Now();
  while (absl::Now() < filled + kCutOff && !HasFailure()) {
    load.Append(Rate(), kProcesses, Rate());
    std::cout << "stopped for " << absl::ToInt64Seconds(absl::Now() - filled) << " of "
              << absl::ToInt64Seconds(kCutOff) << " s" << std::endl;
  }
  load.AppendLast();
  for (auto& thread : threads) thread.join();

  stopped.Signal(SIGCONT);
  while (stopped.Read(&response)) {
    stopped_history.Add(response);
    ASSERT_FALSE(IsEnd(response, ends_with)) << "it was not cut off";
  }
  EXPECT_EQ(stopped.Await(), grpc::CANCELLED);
  EXPECT_EQ(Follow(*events_, ends_with, stopped_history), "");

  const EventRecord record = EventRecord::Read(*events_);
  EXPECT_GE(record.events.size(), static_cast<size_t>(kFill));
  EXPECT_EQ(CheckHistory(stopped_history, record), "");
  for (int i = 0; i < kOthers; ++i) {
    EXPECT_EQ(ends[i], "") << "subscriber " << i;
    EXPECT_EQ(CheckHistory(histories[i], record), "") << "subscriber " << i;
    EXPECT_TRUE(histories[i].entries.back().sequence >= record.last() - kProcesses);
  }
}

// Without our own limit gRPC would wait for its socket for ever.
TEST_F(StoppedSubscriberE2e, DoesNotKeepTheServerFromEnding) {
  EventHistory history;
  SubscriberProcess stopped(server_.target(), history.BeginStream());
  v1::WatchEventsResponse response;
  ASSERT_TRUE(stopped.Read(&response));
  stopped.Signal(SIGSTOP);
  {
    EventLoad load(server_, kProcesses);
    load.Append(kFill, kProcesses);
  }
  EXPECT_EQ(server_.End(SIGTERM), 0);
  stopped.Signal(SIGCONT);
}

}  // namespace
}  // namespace proctor
