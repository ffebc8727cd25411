#include "tests/benchmark/event_fanout_cell.h"

#include <grpcpp/grpcpp.h>
#include <stdio.h>

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "proctor/v1/event_service.grpc.pb.h"
#include "tests/benchmark/event_client.h"

namespace proctor {
namespace {

constexpr int kLoadClients = 2;
constexpr int kLoadProcesses = 4;
constexpr int kOutstanding = 32;  // signals of one client
constexpr int kSampled = 20;      // of so many events one is measured
constexpr int kWarmUp = 5;        // the first one in so many of all is not

// Signals that do nothing, to processes that wait. At `rate` a second, or as fast as it goes.
class Load {
 public:
  Load(const std::string& target, const std::string& program) : target_(target) {
    auto stub = v1::ProcessService::NewStub(NewChannel(target));
    for (int i = 0; i < kLoadProcesses; ++i) {
      process_ids_.push_back(StartChild(*stub, program).process_id());
    }
  }

  void Run(int events, double rate) {
    std::vector<std::thread> threads;
    for (int i = 0; i < kLoadClients; ++i) {
      const int share = events / kLoadClients + (i < events % kLoadClients ? 1 : 0);
      threads.emplace_back([this, share, rate] { RunClient(share, rate / kLoadClients); });
    }
    for (auto& thread : threads) thread.join();
  }

 private:
  struct Call {
    grpc::ClientContext context;
    v1::SignalProcessRequest request;
    v1::SignalProcessResponse response;
  };

  void RunClient(int events, double rate) {
    auto stub = v1::ProcessService::NewStub(NewChannel(target_));
    absl::Mutex mutex;
    int under_way = 0;
    const absl::Time began = absl::Now();
    for (int i = 0; i < events; ++i) {
      if (rate > 0) absl::SleepFor(began + absl::Seconds(i / rate) - absl::Now());
      {
        absl::MutexLock lock(&mutex);
        mutex.Await(absl::Condition(
            +[](int* count) { return *count < kOutstanding; }, &under_way));
        ++under_way;
      }
      auto call = std::make_shared<Call>();
      call->request.set_process_id(process_ids_[static_cast<size_t>(i) % process_ids_.size()]);
      call->request.set_signal("SIGCONT");
      stub->async()->SignalProcess(&call->context, &call->request, &call->response,
                                   [call, &mutex, &under_way](const grpc::Status& status) {
                                     if (!status.ok()) Die("signal: " + status.error_message());
                                     absl::MutexLock lock(&mutex);
                                     --under_way;
                                   });
    }
    absl::MutexLock lock(&mutex);
    mutex.Await(absl::Condition(
        +[](int* count) { return *count == 0; }, &under_way));
  }

  const std::string target_;
  std::vector<std::string> process_ids_;
};

// Takes `events` and keeps the latency of some. On gRPC's own threads: a thread for each of many
// subscribers would measure how the kernel takes turns between them.
class Follower : private grpc::ClientReadReactor<v1::WatchEventsResponse> {
 public:
  Follower(const std::string& target, int events, absl::BlockingCounter* begun,
           absl::BlockingCounter* ended)
      : stub_(v1::EventService::NewStub(NewChannel(target))),
        events_(events),
        begun_(begun),
        ended_(ended) {
    request_.mutable_filter()->add_types(v1::EVENT_TYPE_PROCESS_SIGNALLED);
    stub_->async()->WatchEvents(&context_, &request_, this);
    StartRead(&response_);
    StartCall();
  }

  // Once it has ended.
  const std::vector<int64_t>& latency() const { return latency_; }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (response_.has_bookmark() && count_ < 0) {
      count_ = 0;
      begun_->DecrementCount();
    }
    if (response_.has_event() && ++count_ > events_ / kWarmUp && count_ % kSampled == 0) {
      const auto& time = response_.event().time();
      const absl::Time stamp =
          absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
      latency_.push_back(absl::ToInt64Nanoseconds(absl::Now() - stamp));
    }
    if (count_ == events_) return context_.TryCancel();
    StartRead(&response_);
  }

  void OnDone(const grpc::Status& status) override {
    if (count_ < events_) Die("watch: " + status.error_message());
    ended_->DecrementCount();
  }

  const std::unique_ptr<v1::EventService::Stub> stub_;
  const int events_;
  absl::BlockingCounter* const begun_;
  absl::BlockingCounter* const ended_;
  grpc::ClientContext context_;
  v1::WatchEventsRequest request_;
  v1::WatchEventsResponse response_;
  int count_ = -1;  // until the bookmark
  std::vector<int64_t> latency_;
};

}  // namespace

void RunFanoutCell(const FanoutOptions& options) {
  Load load(options.target, options.program);
  const int events = static_cast<int>(options.rate * options.seconds);
  absl::BlockingCounter begun(options.subscribers);
  absl::BlockingCounter ended(options.subscribers);
  std::vector<std::unique_ptr<Follower>> followers;
  for (int i = 0; i < options.subscribers; ++i) {
    followers.push_back(std::make_unique<Follower>(options.target, events, &begun, &ended));
  }
  begun.Wait();
  const int64_t began = MonotonicNow();
  load.Run(events, options.rate);
  const double took = static_cast<double>(MonotonicNow() - began) / 1e9;
  ended.Wait();
  std::vector<int64_t> all;
  for (const auto& follower : followers) {
    all.insert(all.end(), follower->latency().begin(), follower->latency().end());
  }
  ::printf("{\"latency_ns\": [%s], \"per_second\": %.1f}\n", absl::StrJoin(all, ", ").c_str(),
           events / took);
}

void MakeEvents(const std::string& target, int events, const std::string& program) {
  Load(target, program).Run(events, 0);
}

}  // namespace proctor
