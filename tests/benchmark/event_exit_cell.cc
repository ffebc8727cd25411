#include "tests/benchmark/event_exit_cell.h"

#include <grpcpp/grpcpp.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "proctor/unique_fd.h"
#include "proctor/v1/event_service.grpc.pb.h"
#include "tests/benchmark/event_client.h"

namespace proctor {
namespace {

constexpr absl::Duration kNap = absl::Milliseconds(1);  // the server comes to rest
constexpr int kStarters = 2;

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

class ExitCell {
 public:
  explicit ExitCell(ExitCellOptions options)
      : options_(std::move(options)), random_(options_.seed) {}

  void Run() {
    const auto on_exit = [this](const std::string& process_id) { OnExit(process_id); };
    options_.source == "grpc" ? SubscribeByGrpc(options_.target, on_exit)
                              : SubscribeByHttp(options_.source, on_exit);
    auto stub = v1::ProcessService::NewStub(NewChannel(options_.target));
    for (int i = 0; i < options_.children; ++i) AddChild(StartChild(*stub, options_.program));
    const absl::Time deadline = absl::Now() + options_.limit;
    const int64_t began = MonotonicNow();
    options_.rate > 0 ? KillAtRate(deadline) : KillOneByOne(*stub, deadline);
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
    const int64_t now = MonotonicNow();
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
      last_kill_ = MonotonicNow();
      killed_at_[live_.front().first] = last_kill_;
      ++killed_;
      live_.pop_front();
    }
    ::kill(pid, SIGKILL);
    return true;
  }

  void KillOneByOne(v1::ProcessService::Stub& stub, absl::Time deadline) {
    for (size_t i = 0; i < options_.samples && absl::Now() < deadline && Kill(deadline); ++i) {
      {
        absl::MutexLock lock(&mutex_);
        if (!mutex_.AwaitWithTimeout(absl::Condition(this, &ExitCell::AllTold), absl::Seconds(5))) {
          return;
        }
      }
      AddChild(StartChild(stub, options_.program));
      absl::SleepFor(kNap);
    }
  }

  void KillAtRate(absl::Time deadline) {
    for (int i = 0; i < kStarters; ++i) std::thread([this] { StartAgain(); }).detach();
    const absl::Time began = absl::Now();
    for (size_t i = 0; i < options_.samples && absl::Now() < deadline && Kill(deadline); ++i) {
      absl::SleepFor(began + absl::Seconds(static_cast<double>(i + 1) / options_.rate) -
                     absl::Now());
    }
  }

  void StartAgain() {
    auto stub = v1::ProcessService::NewStub(NewChannel(options_.target));
    for (;;) {
      {
        absl::MutexLock lock(&mutex_);
        mutex_.Await(absl::Condition(this, &ExitCell::SomeMissing));
        --missing_;
      }
      AddChild(StartChild(*stub, options_.program));
    }
  }

  const ExitCellOptions options_;
  std::minstd_rand random_;
  absl::Mutex mutex_;
  std::deque<std::pair<std::string, pid_t>> live_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int64_t> killed_at_ ABSL_GUARDED_BY(mutex_);
  std::vector<int64_t> latency_ ABSL_GUARDED_BY(mutex_);
  size_t killed_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t last_kill_ ABSL_GUARDED_BY(mutex_) = 0;
  int missing_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace

// Some of its threads still wait when it has measured: it lives as long as they, to the end.
void RunExitCell(const ExitCellOptions& options) { (new ExitCell(options))->Run(); }

}  // namespace proctor
