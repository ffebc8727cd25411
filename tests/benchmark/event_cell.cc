// event_cell: one cell of the benchmark of events, against a server that runs. Prints a line of
// JSON.
//
// usage: event_cell exit TARGET SOURCE CHILDREN SAMPLES RATE SEED LIMIT_SECONDS PROGRAM
//        event_cell fanout TARGET SUBSCRIBERS RATE SECONDS PROGRAM
//        event_cell load TARGET EVENTS PROGRAM
//
// exit: kills children by kill(2), and takes the time until a subscriber has the event. SOURCE is
// grpc, or HOST:PORT/TOKEN for Server-Sent Events. RATE 0 kills the next one when the one before
// was told, and the server is idle in between; else so many are killed a second, and started
// again meanwhile. fanout: the time from the event's own stamp to each of many subscribers.
// load: makes events, as fast as it goes.

#include <grpcpp/grpcpp.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "core/base/unique_fd.h"
#include "proctor/v1/event_service.grpc.pb.h"
#include "proctor/v1/process_service.grpc.pb.h"

namespace proctor {
namespace {

constexpr absl::Duration kNap = absl::Milliseconds(1);
constexpr int kStarters = 2;
constexpr int kLoadClients = 2;
constexpr int kLoadProcesses = 4;
constexpr int kOutstanding = 32;  // signals of one client
constexpr int kSampled = 20;      // of so many fanned out events one is kept
constexpr int kWarmUp = 5;        // of those, the first one in so many is not

[[noreturn]] void Die(const std::string& why) {
  ::fprintf(stderr, "%s\n", why.c_str());
  ::_exit(1);
}

int64_t Now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// Kept until the end: gRPC (1.51) now and then fails an assertion of its own where channels end
// at the same time on several threads.
std::shared_ptr<grpc::Channel> NewChannel(const std::string& target) {
  static absl::Mutex mutex;
  static auto* const channels = new std::vector<std::shared_ptr<grpc::Channel>>;
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
  absl::MutexLock lock(&mutex);
  channels->push_back(
      grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments));
  return channels->back();
}

v1::Process StartChild(v1::ProcessService::Stub& stub, const std::string& program) {
  grpc::ClientContext context;
  v1::StartProcessRequest request;
  request.mutable_spec()->add_argv(program);
  request.mutable_spec()->set_stdin_mode(v1::STDIO_MODE_NULL);
  request.mutable_spec()->set_stdout_mode(v1::STDIO_MODE_NULL);
  request.mutable_spec()->set_stderr_mode(v1::STDIO_MODE_NULL);
  v1::StartProcessResponse response;
  const grpc::Status status = stub.StartProcess(&context, request, &response);
  if (!status.ok()) Die("start: " + status.error_message());
  return response.process();
}

// ---- Where exits are told. ------------------------------------------------

// Calls `on_exit` with the id of each process that ends, on a thread of its own, for as long as
// this process lives; returns when it has begun.
using OnExit = std::function<void(const std::string& process_id)>;

void SubscribeByGrpc(const std::string& target, OnExit on_exit) {
  auto context = std::make_unique<grpc::ClientContext>();
  v1::WatchEventsRequest request;
  request.mutable_filter()->add_types(v1::EVENT_TYPE_PROCESS_EXITED);
  std::shared_ptr<v1::EventService::Stub> stub = v1::EventService::NewStub(NewChannel(target));
  auto stream = stub->WatchEvents(context.get(), request);
  v1::WatchEventsResponse response;
  if (!stream->Read(&response)) Die("watch: " + stream->Finish().error_message());
  std::thread([stub, context = std::move(context), stream = std::move(stream),
               on_exit = std::move(on_exit)] {
    v1::WatchEventsResponse response;
    while (stream->Read(&response)) {
      if (response.has_event()) on_exit(response.event().process_id());
    }
  }).detach();
}

// Reads lines. "" is the end.
class LineReader {
 public:
  explicit LineReader(UniqueFd fd) : fd_(std::move(fd)) {}
  std::string Next() {
    for (;;) {
      const size_t end = buffer_.find('\n', begin_);
      if (end != std::string::npos) {
        const std::string line = buffer_.substr(begin_, end + 1 - begin_);
        begin_ = end + 1;
        return line;
      }
      buffer_.erase(0, begin_);
      begin_ = 0;
      char bytes[16384];
      const ssize_t size = ::recv(fd_.get(), bytes, sizeof bytes, 0);
      if (size <= 0) return "";
      buffer_.append(bytes, static_cast<size_t>(size));
    }
  }

 private:
  UniqueFd fd_;
  std::string buffer_;
  size_t begin_ = 0;
};

void SubscribeByHttp(const std::string& source, OnExit on_exit) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(source, absl::MaxSplits('/', 1));
  const std::pair<std::string, std::string> address = absl::StrSplit(parts.first, ':');
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(address.first.c_str(), address.second.c_str(), &hints, &found) != 0) {
    Die("no address " + parts.first);
  }
  UniqueFd fd(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), found->ai_addr, found->ai_addrlen) != 0) Die("connect " + parts.first);
  ::freeaddrinfo(found);
  const std::string request =
      absl::StrCat("GET /v1/events?type=PROCESS_EXITED HTTP/1.1\r\nHost: ", parts.first,
                   "\r\nAuthorization: Bearer ", parts.second, "\r\n\r\n");
  if (::send(fd.get(), request.data(), request.size(), 0) != static_cast<ssize_t>(request.size())) {
    Die("send a request");
  }
  auto lines = std::make_shared<LineReader>(std::move(fd));
  std::string line = lines->Next();
  if (!absl::StrContains(line, " 200 ")) Die("the server answered " + line);
  while (!absl::StrContains(line, "event: bookmark")) {
    if (line.empty()) Die("the server ended the stream");
    line = lines->Next();
  }
  std::thread([lines, on_exit = std::move(on_exit)] {
    constexpr absl::string_view kField = "\"process_id\":\"";
    for (std::string line = lines->Next(); !line.empty(); line = lines->Next()) {
      const size_t begin = line.find(kField.data(), 0, kField.size());
      if (!absl::StartsWith(line, "data: ") || begin == std::string::npos) continue;
      const size_t id = begin + kField.size();
      on_exit(line.substr(id, line.find('"', id) - id));
    }
  }).detach();
}

// ---- exit -----------------------------------------------------------------

class ExitCell {
 public:
  ExitCell(std::string target, std::string program)
      : target_(std::move(target)), program_(std::move(program)) {}

  void Run(const std::string& source, int children, size_t samples, double rate, unsigned seed,
           absl::Duration limit) {
    const auto on_exit = [this](const std::string& process_id) { OnExit(process_id); };
    source == "grpc" ? SubscribeByGrpc(target_, on_exit) : SubscribeByHttp(source, on_exit);
    auto stub = v1::ProcessService::NewStub(NewChannel(target_));
    for (int i = 0; i < children; ++i) AddChild(StartChild(*stub, program_));
    random_.seed(seed);
    const absl::Time deadline = absl::Now() + limit;
    const int64_t began = Now();
    rate > 0 ? KillAtRate(samples, rate, deadline) : KillOneByOne(*stub, samples, deadline);
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(this, &ExitCell::AllTold), absl::Seconds(5));
    if (killed_ != latency_.size()) Die(absl::StrCat(killed_ - latency_.size(), " were not told"));
    const double seconds = static_cast<double>(last_kill_ - began) / 1e9;
    ::printf("{\"latency_ns\": [%s], \"per_second\": %.1f}\n",
             absl::StrJoin(latency_, ", ").c_str(), static_cast<double>(killed_) / seconds);
  }

 private:
  bool AllTold() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return killed_ == latency_.size(); }
  bool SomeLive() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !live_.empty(); }
  bool SomeMissing() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return missing_ > 0; }

  void AddChild(const v1::Process& process) {
    absl::MutexLock lock(&mutex_);
    live_.push_back({process.process_id(), static_cast<pid_t>(process.pid())});
  }

  void OnExit(const std::string& process_id) {
    const int64_t now = Now();
    absl::MutexLock lock(&mutex_);
    auto killed = killed_at_.find(process_id);
    if (killed == killed_at_.end()) Die("an exit was told twice, or of a child that nobody killed");
    latency_.push_back(now - killed->second);
    killed_at_.erase(killed);
    ++missing_;
  }

  // Kills one, once there is one. False if there is none in time.
  bool Kill(absl::Time deadline) {
    pid_t pid = 0;
    {
      absl::MutexLock lock(&mutex_);
      if (!mutex_.AwaitWithDeadline(absl::Condition(this, &ExitCell::SomeLive), deadline)) {
        return false;
      }
      std::swap(live_[random_() % live_.size()], live_.front());
      pid = live_.front().second;
      last_kill_ = Now();
      killed_at_[live_.front().first] = last_kill_;
      ++killed_;
      live_.pop_front();
    }
    ::kill(pid, SIGKILL);
    return true;
  }

  void KillOneByOne(v1::ProcessService::Stub& stub, size_t samples, absl::Time deadline) {
    for (size_t i = 0; i < samples && absl::Now() < deadline && Kill(deadline); ++i) {
      {
        absl::MutexLock lock(&mutex_);
        if (!mutex_.AwaitWithTimeout(absl::Condition(this, &ExitCell::AllTold), absl::Seconds(5))) {
          return;
        }
      }
      AddChild(StartChild(stub, program_));
      absl::SleepFor(kNap);
    }
  }

  void KillAtRate(size_t samples, double rate, absl::Time deadline) {
    for (int i = 0; i < kStarters; ++i) std::thread([this] { StartAgain(); }).detach();
    const absl::Time began = absl::Now();
    for (size_t i = 0; i < samples && absl::Now() < deadline && Kill(deadline); ++i) {
      absl::SleepFor(began + absl::Seconds(static_cast<double>(i + 1) / rate) - absl::Now());
    }
  }

  void StartAgain() {
    auto stub = v1::ProcessService::NewStub(NewChannel(target_));
    for (;;) {
      {
        absl::MutexLock lock(&mutex_);
        mutex_.Await(absl::Condition(this, &ExitCell::SomeMissing));
        --missing_;
      }
      AddChild(StartChild(*stub, program_));
    }
  }

  const std::string target_;
  const std::string program_;
  std::minstd_rand random_;
  absl::Mutex mutex_;
  std::deque<std::pair<std::string, pid_t>> live_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int64_t> killed_at_ ABSL_GUARDED_BY(mutex_);
  std::vector<int64_t> latency_ ABSL_GUARDED_BY(mutex_);
  size_t killed_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t last_kill_ ABSL_GUARDED_BY(mutex_) = 0;
  int missing_ ABSL_GUARDED_BY(mutex_) = 0;
};

// ---- fanout and load ------------------------------------------------------

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

void RunFanout(const std::string& target, int subscribers, double rate, double seconds,
               const std::string& program) {
  Load load(target, program);
  const int events = static_cast<int>(rate * seconds);
  absl::BlockingCounter begun(subscribers);
  absl::BlockingCounter ended(subscribers);
  std::vector<std::unique_ptr<Follower>> followers;
  for (int i = 0; i < subscribers; ++i) {
    followers.push_back(std::make_unique<Follower>(target, events, &begun, &ended));
  }
  begun.Wait();
  const int64_t began = Now();
  load.Run(events, rate);
  const double took = static_cast<double>(Now() - began) / 1e9;
  ended.Wait();
  std::vector<int64_t> all;
  for (const auto& follower : followers) {
    all.insert(all.end(), follower->latency().begin(), follower->latency().end());
  }
  ::printf("{\"latency_ns\": [%s], \"per_second\": %.1f}\n", absl::StrJoin(all, ", ").c_str(),
           events / took);
}

int Main(const std::vector<std::string>& words) {
  const auto number = [&words](size_t index) {
    double value = 0;
    if (!absl::SimpleAtod(words[index], &value)) Die("'" + words[index] + "' is no number");
    return value;
  };
  const std::string kind = words.empty() ? "" : words[0];
  if (kind == "exit" && words.size() == 9) {
    ExitCell(words[1], words[8])
        .Run(words[2], static_cast<int>(number(3)), static_cast<size_t>(number(4)), number(5),
             static_cast<unsigned>(number(6)), absl::Seconds(number(7)));
  } else if (kind == "fanout" && words.size() == 6) {
    RunFanout(words[1], static_cast<int>(number(2)), number(3), number(4), words[5]);
  } else if (kind == "load" && words.size() == 4) {
    Load(words[1], words[3]).Run(static_cast<int>(number(2)), 0);
    ::printf("{}\n");
  } else {
    Die("usage: event_cell exit|fanout|load ...: see the top of event_cell.cc");
  }
  ::fflush(stdout);
  ::_exit(0);  // some threads still wait
}

}  // namespace
}  // namespace proctor

int main(int argc, char** argv) {
  return proctor::Main(std::vector<std::string>(argv + 1, argv + argc));
}
