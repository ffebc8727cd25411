// Subscribers that lose their streams again and again, in every possible way, under load. All
// streams of one, joined, are exactly what happened.

#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <string>
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

constexpr int kSubscribed = 8;
constexpr int kBusy = 7;  // the last one has hardly any events
constexpr int kSubscribers = 20;
constexpr absl::Duration kPatience = absl::Seconds(270);

// The number of events. PROCTOR_TEST_EVENTS overrides it; 100000 take a minute or two. A stream is
// lost for each hundred.
int Events() {
  if (const char* text = std::getenv("PROCTOR_TEST_EVENTS")) return std::atoi(text);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return 4000;
#else
  return 20000;
#endif
}

unsigned Seed() {
  const char* text = std::getenv("PROCTOR_TEST_SEED");
  const unsigned seed =
      text != nullptr ? static_cast<unsigned>(std::atoll(text)) : std::random_device()();
  std::cout << "PROCTOR_TEST_SEED=" << seed << std::endl;
  return seed;
}

// One subscriber, on a thread of its own.
class Subscriber {
 public:
  enum class Kind { kInProcess, kProcess };

  // Expects at least `expected` events, and loses its stream `losses` times, after drawn numbers of
  // events. It is done after the last event of the process `ends_with` and the last loss, since a
  // loss may bring the rest of the events.
  Subscriber(const ServerProcess& server, Kind kind, EventHistory history, int expected, int losses,
             std::string ends_with, unsigned seed)
      : server_(server),
        kind_(kind),
        ends_with_(std::move(ends_with)),
        random_(seed),
        history_(std::move(history)) {
    for (int i = 0; i < losses; ++i) {
      loss_at_.push_back(random_() % static_cast<unsigned>(expected));
    }
    std::sort(loss_at_.rbegin(), loss_at_.rend());
  }

  void Run() {
    while ((!done_ || !loss_at_.empty()) && mistake_.empty()) {
      if (kind_ == Kind::kProcess) {
        RunProcess();
      } else {
        RunStream();
      }
    }
  }

  int losses() const { return losses_; }
  // Returns what was wrong, or "".
  std::string Check(const EventRecord& record) const {
    return mistake_.empty() ? CheckHistory(history_, record) : mistake_;
  }
  size_t events() const { return events_; }

 private:
  void Take(const v1::WatchEventsResponse& response) {
    history_.Add(response);
    if (!response.has_event()) return;
    ++events_;
    done_ = done_ ||
            (response.event().process_id() == ends_with_ && EventLoad::IsLast(response.event()));
  }

  // Returns whether the stream is to be lost now. Several losses at one place hit a stream that has
  // only just begun.
  bool LosesNow() {
    if (loss_at_.empty() || events_ < loss_at_.back()) return false;
    loss_at_.pop_back();
    ++losses_;
    return true;
  }

  void RunStream() {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    if (channel_ == nullptr) channel_ = server_.NewChannel();
    auto events = v1::EventService::NewStub(channel_);
    auto stream = events->WatchEvents(&context, history_.BeginStream());
    v1::WatchEventsResponse response;
    while (true) {
      if (LosesNow()) return Lose(context, *stream);
      if (done_) break;
      if (!stream->Read(&response)) {
        mistake_ = absl::StrCat("a stream ended with: ", stream->Finish().error_message());
        return;
      }
      Take(response);
    }
    context.TryCancel();
    while (stream->Read(&response)) Take(response);
    stream->Finish();
  }

  // Cancels the stream, or drops its connection. Events that are still read count. The next stream
  // repeats all others.
  void Lose(grpc::ClientContext& context, grpc::ClientReader<v1::WatchEventsResponse>& stream) {
    const unsigned way = random_() % 3;
    if (way == 0) channel_.reset();  // the connection ends with the stream
    context.TryCancel();
    v1::WatchEventsResponse response;
    for (bool counts = way == 1; stream.Read(&response);) {
      if (counts) Take(response);
    }
    stream.Finish();
  }

  void RunProcess() {
    SubscriberProcess process(server_.target(), history_.BeginStream());
    v1::WatchEventsResponse response;
    while (true) {
      if (LosesNow()) {
        process.Signal(SIGKILL);
        while (process.Read(&response)) Take(response);
        if (int code = process.Await(); code != -SIGKILL) {
          mistake_ = absl::StrCat("a subscriber ended with ", code);
        }
        return;
      }
      if (done_) return;
      if (!process.Read(&response)) {
        mistake_ = absl::StrCat("a subscriber ended with ", process.Await());
        return;
      }
      Take(response);
    }
  }

  const ServerProcess& server_;
  const Kind kind_;
  const std::string ends_with_;
  std::mt19937 random_;
  std::shared_ptr<grpc::Channel> channel_;
  EventHistory history_;
  std::vector<unsigned> loss_at_;  // the next one at the end
  size_t events_ = 0;
  int losses_ = 0;
  bool done_ = false;
  std::string mistake_;
};

class SubscriberE2e : public E2eTest {
 protected:
  SubscriberE2e() : E2eTest({"--max-events=1000000"}) {}
};

TEST_F(SubscriberE2e, WhoeverLosesStreamsHasAllOfItOnceAndInOrder) {
  const int events = Events();
  const int losses = events / 100 / kSubscribers;
  const unsigned seed = Seed();
  EventLoad load(server_, kSubscribed);
  const std::vector<std::string>& processes = load.process_ids();
  grpc::ClientContext context;
  v1::GetServerInfoResponse info;
  ASSERT_TRUE(info_->GetServerInfo(&context, {}, &info).ok());
  std::vector<std::unique_ptr<Subscriber>> subscribers;
  const auto add = [&](Subscriber::Kind kind, const v1::EventFilter& filter, int expected,
                       int last_process) {
    const unsigned number = static_cast<unsigned>(subscribers.size());
    subscribers.push_back(
        std::make_unique<Subscriber>(server_, kind, EventHistory::After(info.last_event(), filter),
                                     expected, losses, processes[last_process], seed + number));
  };
  const auto add_three = [&](const v1::EventFilter& filter, int expected, int last_process) {
    add(Subscriber::Kind::kInProcess, filter, expected, last_process);
    add(Subscriber::Kind::kInProcess, filter, expected, last_process);
    add(Subscriber::Kind::kProcess, filter, expected, last_process);
  };
  for (int i = 0; i < 2; ++i) add_three({}, events, kSubscribed - 1);
  for (int i = 0; i < 2; ++i) {
    v1::EventFilter one;
    one.add_process_ids(processes[i]);
    one.add_types(v1::EVENT_TYPE_PROCESS_SIGNALLED);
    add_three(one, events / kBusy, i);
  }
  v1::EventFilter session;
  session.add_session_ids(load.session_ids()[0]);
  add(Subscriber::Kind::kInProcess, session, events / 2, 6);
  v1::EventFilter label;
  (*label.mutable_labels())["parity"] = "odd";
  add_three(label, events * 3 / kBusy, 7);
  // For these the server skips thousands of events for each that it sends.
  v1::EventFilter rare;
  rare.add_process_ids(processes[7]);
  for (int i = 0; i < 3; ++i) add(Subscriber::Kind::kInProcess, rare, 10, 7);
  add(Subscriber::Kind::kProcess, rare, 10, 7);
  ASSERT_EQ(subscribers.size(), static_cast<size_t>(kSubscribers));

  std::vector<std::thread> threads;
  for (auto& subscriber : subscribers) threads.emplace_back([&] { subscriber->Run(); });
  for (int i = 0; i < 10; ++i) {
    load.Append(events / 10, kBusy);
    for (int j = 0; j < 2; ++j) Wait(Start(Spec("exit_with")).process_id());
    load.Append(kSubscribed, kSubscribed);  // includes the quiet one
  }
  load.AppendLast();
  for (auto& thread : threads) thread.join();

  const EventRecord record = EventRecord::Read(*events_);
  EXPECT_GE(record.events.size(), static_cast<size_t>(events));
  int lost = 0;
  for (size_t i = 0; i < subscribers.size(); ++i) {
    lost += subscribers[i]->losses();
    EXPECT_EQ(subscribers[i]->Check(record), "") << "subscriber " << i;
    EXPECT_GT(subscribers[i]->events(), 10u) << "subscriber " << i;
  }
  EXPECT_EQ(lost, losses * kSubscribers);
}

}  // namespace
}  // namespace proctor
